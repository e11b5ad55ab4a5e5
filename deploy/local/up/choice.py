"""Which Kafka, ClickHouse and Redis to use: those given by URL, and for the rest what SERVICES says."""

from collections.abc import Mapping
from enum import StrEnum

from pulse.errors import SettingError


class Kind(StrEnum):
    """Where a backing service comes from."""

    embedded = "embedded"
    """From a Python wheel, as a process; Kafka's log is in memory only."""
    native = "native"
    """Apache Kafka as a process; the others as embedded."""
    docker = "docker"
    """From docker-compose.yml."""
    own = "own"
    """The user's, by URL."""


URLS = {"kafka": "PULSE_KAFKA_URL", "clickhouse": "PULSE_CLICKHOUSE_URL", "redis": "PULSE_REDIS_URL"}
IN_MEMORY = (
    "Kafka is embedded: its log is kept in memory only. Events are safe once they are stored in ClickHouse; "
    "`make up SERVICES=native` keeps the log on disk."
)


def other_partitions(before: int | None, now: int) -> str | None:
    """What is to be said where the embedded log, which is made anew, gets another number of partitions than it had."""
    if before in (None, now):
        return None
    return (
        f"PULSE_PARTITIONS is {now}, and the embedded log had {before} partitions at the last start: as it is made anew, it gets "
        f"{now} now. What is stored stays, and repetitions of it are still told; set PULSE_PARTITIONS={before} to go on as "
        "before. A Kafka that keeps its log keeps its partitions, and another number is refused."
    )


def choose(wanted: str, environ: Mapping[str, str]) -> dict[str, Kind]:
    """The kind of each service; raises SettingError for an unknown choice, or `own` without all three URLs."""
    if wanted not in Kind.__members__:
        raise SettingError(f"SERVICES must be one of {', '.join(Kind)}, not {wanted!r}")
    missing = [variable for variable in URLS.values() if not environ.get(variable)]
    if wanted == Kind.own and missing:
        raise SettingError(f"SERVICES=own uses the services that you run: set {', '.join(missing)}")
    return {name: Kind.own if environ.get(url) else _started(name, Kind(wanted)) for name, url in URLS.items()}


def _started(name: str, wanted: Kind) -> Kind:
    return Kind.embedded if wanted == Kind.native and name != "kafka" else wanted


def keeps_log(kinds: Mapping[str, Kind]) -> bool:
    """Whether what is in Kafka is still there after it was stopped."""
    return kinds["kafka"] != Kind.embedded
