"""Settings: read once, at a process's start, from the environment (prefix `PULSE_`)."""

import socket
from functools import cached_property
from logging import getLevelNamesMapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from pulse.errors import SettingError
from pulse.spool import FOLDER


def _broker(url: str) -> str:
    return url.removeprefix("kafka://").rstrip("/")


def _level(name: str) -> str:
    if name.upper() not in getLevelNamesMapping():
        raise ValueError("is none of DEBUG, INFO, WARNING, ERROR and CRITICAL")
    return name.upper()


class Settings(BaseSettings):
    """Every setting of every process; docs/operations.md lists them."""

    model_config = SettingsConfigDict(env_prefix="PULSE_", frozen=True, extra="ignore")

    data: Path = Field(Path(".pulse"), description="Folder of everything that Pulse keeps on this machine.")
    log_level: Annotated[str, AfterValidator(_level)] = Field("INFO", description="Least level that is logged.")
    secret: SecretStr = Field(
        SecretStr(""),
        description="Secret from which keys' fingerprints and visitors' daily salts are derived; `make up` makes one.",
    )

    kafka_url: Annotated[str, AfterValidator(_broker)] = Field(
        "127.0.0.1:19092", description="Kafka's bootstrap servers, `host:port,…`."
    )
    clickhouse_url: SecretStr = Field(
        SecretStr("http://127.0.0.1:18123/pulse"),
        description="ClickHouse over HTTP: `http://user:password@host:8123/database`.",
    )
    clickhouse_cluster: str = Field(
        "", description="Name of the ClickHouse cluster on which the tables are made; none if empty."
    )
    clickhouse_shards: SecretStr = Field(
        SecretStr(""),
        description="One server of each shard of that cluster, `http://user:password@host:8123/database,…`, in the order of the shards: partition p is stored on shard p modulo their number, which is fixed once there is data.",
    )
    redis_url: SecretStr = Field(SecretStr("redis://127.0.0.1:16379/0"), description="Redis or Valkey.")
    database_url: SecretStr = Field(
        SecretStr(""),
        description="Database of sites and keys, SQLite or PostgreSQL; a file in the data folder if empty.",
    )

    cache: Path | None = Field(None, description="Folder of downloads, shared between runs; ~/.cache/pulse if empty.")
    kafka_port: int = Field(19092, ge=1, le=65_535, description="Port of the Kafka that `make up` starts.")
    kafka_controller_port: int = Field(19093, ge=1, le=65_535, description="Port of that Kafka's controller.")
    kafka_nodes: int = Field(
        1,
        ge=1,
        le=9,
        description="Nodes of the Apache Kafka that `make up SERVICES=native` starts, each on ports 10 above the one before; with three, topics have three copies.",
    )
    clickhouse_port: int = Field(
        18123, ge=1, le=65_535, description="HTTP port of the ClickHouse that `make up` starts."
    )
    clickhouse_native_port: int = Field(19000, ge=1, le=65_535, description="Native-protocol port of that ClickHouse.")
    redis_port: int = Field(16379, ge=1, le=65_535, description="Port of the Redis that `make up` starts.")

    host: str = Field("127.0.0.1", description="Address on which collector, query API and health pages listen.")
    collector_port: int = Field(8100, ge=1, le=65_535, description="Port of the collector.")
    query_port: int = Field(8200, ge=1, le=65_535, description="Port of the query API.")
    streams_port: int = Field(8301, ge=1, le=65_535, description="Port of the streams' health and metrics.")
    sink_port: int = Field(8302, ge=1, le=65_535, description="Port of the sink's health and metrics.")

    partitions: int = Field(4, ge=1, le=1024, description="Partitions of each topic; fixed once there is data.")
    replication: int = Field(1, ge=1, le=9, description="Copies of each topic's partitions.")
    session_timeout_ms: int = Field(
        6_000, ge=1_000, description="After how long a silent consumer's partitions go to another."
    )
    fetch_wait_ms: int = Field(
        50, ge=1, le=5_000, description="How long a broker may hold back a fetch that finds nothing."
    )

    linger_ms: float = Field(
        5.0,
        ge=0,
        le=1_000,
        description="How long the collector gathers events over requests; up to five times as long while many come.",
    )
    batch_events: int = Field(
        500, ge=1, le=10_000, description="Events at which a gathered record is sent without waiting."
    )
    produce_timeout_ms: int = Field(
        10_000, ge=100, description="How long the broker may take to acknowledge a record before it counts as failed."
    )
    waiting_mb: int = Field(
        256, ge=8, description="MB that may wait for the broker's acknowledgement before the collector answers 503."
    )
    spool_mb: int = Field(
        1_024,
        ge=0,
        description="MB that the collector keeps on disk while the broker is away; 0 answers 503 instead.",
    )
    spool: Path | None = Field(
        None, description="Folder of the spool, one for each collector; `spool/<instance>` in the data folder if empty."
    )
    spool_after_ms: int = Field(
        2_000,
        ge=100,
        description="After how long without any acknowledgement records on their way go to the spool instead.",
    )
    max_lag_seconds: float = Field(
        60,
        ge=0,
        description="How far refinement may lie behind, in seconds of its work, before the collector answers 429; imports are judged by the lane that they go by; 0 for no limit.",
    )
    key_events_per_second: float = Field(
        0,
        ge=0,
        description="Events a second that a collector takes with one key, twice as many at once; 0 for no limit.",
    )
    visitor_events_per_second: float = Field(
        200,
        ge=0,
        description="Events a second of one visitor beyond which a collector lets them yield to those of others: they are accepted, and come later; 0 for no limit.",
    )
    site_events_per_second: float = Field(
        0,
        ge=0,
        description="Events a second of one site beyond which a collector lets them yield to those of others; 0 for no limit.",
    )
    trusted_proxies: str = Field(
        "127.0.0.1/32,::1/128", description="Networks whose X-Forwarded-For and country headers are believed."
    )
    country_header: str = Field(
        "", description="Header in which a trusted proxy names the country, such as CF-IPCountry."
    )
    late_days: float = Field(7, ge=0, description="How old an event may be unless its key may import.")
    early_seconds: float = Field(
        300, ge=0, description="How far ahead an event's time may lie before it counts as received now."
    )

    dedup_hours: float = Field(24, gt=0, le=168, description="For how long an event id is remembered exactly.")
    dedup_recent: int = Field(
        8_000_000,
        ge=1,
        description="Event ids that a process of the streams remembers exactly, 16 bytes each: those that ClickHouse may not have yet. When it is away for longer than they reach, refinement waits.",
    )
    dedup_mb: int = Field(
        1_600,
        ge=1,
        description="MB that the filters of older event ids may take in a process of the streams; where they are short, ClickHouse is asked more often.",
    )
    geo_database: Path | None = Field(None, description="MaxMind-format database for country, region and city.")

    query_seconds: int = Field(
        30,
        ge=1,
        le=3_600,
        description="How long ClickHouse may work on one question of a report before it answers 504.",
    )
    query_mb: int = Field(
        2_000,
        ge=10,
        description="MB of memory that ClickHouse may take for one question of a report before it answers 504.",
    )
    query_rows: int = Field(
        10_000_000_000,
        ge=1,
        description="Rows that ClickHouse may read for one question of a report before it answers 504.",
    )

    sink_rows: int = Field(50_000, ge=1, le=200_000, description="Rows at which a block is stored without waiting.")
    sink_wait_ms: int = Field(
        500, ge=10, le=10_000, description="How long a block may gather; twice as long once it is half full."
    )
    instance: str = Field(
        default_factory=socket.gethostname,
        description="This process's name within its group; must differ between processes of a kind. Streams that are given one get their partitions back at once when they are started again.",
    )

    @cached_property
    def spool_folder(self) -> Path:
        """Where this collector's spool lies."""
        return self.spool or self.data / FOLDER / self.instance

    @cached_property
    def control_url(self) -> str:
        """The SQLAlchemy address of sites and keys."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data.resolve() / 'pulse.db'}"


def load() -> Settings:
    """The settings of this process; raises SettingError naming the setting that is wrong and why."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "PULSE_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingError(f"{name}: {first['msg']} (got {first['input']!r})") from None
