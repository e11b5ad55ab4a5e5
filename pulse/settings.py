"""Settings: read once, at a process's start, from the environment (prefix `PULSE_`)."""

import socket
from functools import cached_property
from ipaddress import ip_network
from logging import getLevelNamesMapping
from pathlib import Path
from typing import Annotated, Literal

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


def _networks(text: str) -> str:
    for part in filter(None, map(str.strip, text.split(","))):
        ip_network(part)
    return text


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
    live_port: int = Field(8400, ge=1, le=65_535, description="Port of the live view.")
    streams_port: int = Field(8301, ge=1, le=65_535, description="Port of the streams' health and metrics.")
    sink_port: int = Field(8302, ge=1, le=65_535, description="Port of the sink's health and metrics.")
    alerts_port: int = Field(8303, ge=1, le=65_535, description="Port of the alerts' health and metrics.")
    delivery_port: int = Field(8304, ge=1, le=65_535, description="Port of the delivery process's health and metrics.")

    recordings_port: int = Field(8305, ge=1, le=65_535, description="Port of the recordings' health and metrics.")

    partitions: int = Field(4, ge=1, le=1024, description="Partitions of each topic; fixed once there is data.")
    replication: int = Field(1, ge=1, le=9, description="Copies of each topic's partitions.")
    raw_hours: int = Field(
        48,
        ge=1,
        le=168,
        description="How long the log keeps raw events, which alone hold whole addresses, in hours; as long `pulse replay` can go back to them.",
    )
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
        description="How long the collector gathers events over requests; up to ten times as long while very many come.",
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
    leads_per_minute: float = Field(
        10,
        ge=0,
        description="Leads a minute that a collector takes from one address with a public key, as many at once; 0 for no limit.",
    )
    lead_days: float = Field(
        0,
        ge=0,
        description="After how many days a lead is deleted with all that was told of it; 0 keeps it until somebody deletes it.",
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
    devices_mb: int = Field(
        256,
        ge=1,
        description="MB that a process of the streams may take to know where devices were seen within a day, some 200 bytes each, 500 at most; a quarter of it is for the networks that they were at. Beyond it those met longest ago are forgotten.",
    )
    geo_database: Path | None = Field(
        None,
        description="MaxMind-format database for country, region, city and network; it goes before all other data.",
    )
    networks: Path | None = Field(
        None,
        description="Folder of what `pulse geo update` builds, with the operator's own files in its folder `own`; `networks` in the data folder if empty.",
    )

    risk_rules: str = Field(
        "pulse-v1", description="The rule set that says how much speaks against a device: `pulse-v1` or `pulsegate-v1`."
    )

    query_seconds: int = Field(
        30,
        ge=1,
        le=3_600,
        description="How long ClickHouse may work on one question of a report, or on a statement in SQL and its answer, before it answers 504.",
    )
    query_mb: int = Field(
        2_000,
        ge=10,
        description="MB of memory that ClickHouse may take for one question of a report, or a statement in SQL, before it answers 504.",
    )
    query_rows: int = Field(
        10_000_000_000,
        ge=1,
        description="Rows that ClickHouse may read for one question of a report, or a statement in SQL, before it answers 504.",
    )

    cache_seconds: int = Field(
        300,
        ge=0,
        le=3_600,
        description="For how long an answer is kept of a site of which nothing more was stored, less for short ranges; 0 keeps none.",
    )
    alerts_grace_seconds: float = Field(
        10,
        ge=1,
        le=600,
        description="How long after its end a minute counts as complete for alert rules, unless events are still on their way.",
    )
    alerts_ask_seconds: float = Field(
        5,
        ge=1,
        le=600,
        description="How often alert rules on stored events are looked at; less often where that would keep the store busy.",
    )
    webhook_allow: Annotated[str, AfterValidator(_networks)] = Field(
        "",
        description="Private networks that webhooks may call all the same, such as `10.1.0.0/16,fd00:1::/32`; none if empty.",
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="Server by which webhooks to `mailto:` addresses are sent, `smtp://user:password@host:587` or `smtps://…`; TLS is used wherever it is offered, and without it user and password are told to this machine alone. None if empty: then there is no e-mail.",
    )
    smtp_from: str = Field("pulse@localhost", description="Sender of that e-mail.")
    webhook_disable_days: float = Field(
        5, ge=0, description="Days of nothing but failures after which an endpoint is disabled; 0 for never."
    )
    webhook_keep_days: float = Field(
        35,
        ge=31,
        description="Days for which finished deliveries and their attempts are kept; longer than notices are kept in Kafka, by which none is delivered twice.",
    )

    live_connections: int = Field(
        20_000, ge=1, description="Connections that a process of the live view takes before it answers 503."
    )
    live_queue_kb: int = Field(
        1_024,
        ge=64,
        description="KB that may wait for a connection of the live view before it is dropped as slow.",
    )
    live_buffer_mb: int = Field(
        128,
        ge=1,
        description="MB of the newest events that the live view holds for clients that were cut off and come again.",
    )
    live_visitors: int = Field(
        1_000_000,
        ge=1_000,
        description="Visitors that the live view tells apart over all sites, some 120 bytes each; one that was seen in the last five minutes and in both of the last ones counts thrice. Beyond them each site has 100 more.",
    )
    live_buffer_seconds: int = Field(
        300, ge=0, le=3_600, description="How far back the live view reads the log when it starts."
    )
    live_jwt_key: SecretStr = Field(
        SecretStr(""),
        description="By which JSON web tokens are checked that open the live view: of HS256 a secret of 32 bytes or more, of RS256 a public key as PEM, in which `\\n` may stand for a line's end. If empty, none is taken.",
    )
    live_jwt_algorithm: Literal["HS256", "RS256"] = Field(
        "HS256", description="How these tokens are signed; no other way is taken, whatever they say."
    )
    live_jwt_audience: str = Field(
        "pulse-live", min_length=1, max_length=200, description="What their claim `aud` must name."
    )

    recordings_url: SecretStr = Field(
        SecretStr(""),
        description="Where recordings of sessions are kept: `folder` for `recordings` in the data folder, or an address, `file:///srv/recordings`, `s3://bucket/prefix`, `gs://…`, `az://…`. None are made if empty. See recordings.md.",
    )
    recordings_days: int = Field(
        90,
        ge=1,
        le=3_650,
        description="For how many days recordings of sessions are kept, by the days of their events.",
    )
    recordings_seconds: float = Field(
        30,
        ge=0.1,
        le=3_600,
        description="How long events of sessions are gathered before they are written to their recordings: the longer, the fewer objects.",
    )

    sink_rows: int = Field(50_000, ge=1, le=200_000, description="Rows at which a block is stored without waiting.")
    sink_wait_ms: int = Field(
        500,
        ge=10,
        le=10_000,
        description="How long a block may gather: less where the last one was stored quickly, twice as long once it is half full.",
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
    def networks_folder(self) -> Path:
        """Where what is known of networks lies."""
        return self.networks or self.data / "networks"

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
