"""The topics: their names, how long each keeps its records, and which partition an event belongs to."""

from dataclasses import dataclass

from xxhash import xxh3_64_intdigest

RAW = "pulse.events.raw"
SLOW = "pulse.events.raw.slow"
"""The lane of imports and floods: raw events that yield to those of `RAW`, in as many partitions by the same keys."""
EVENTS = "pulse.events"
REJECTED = "pulse.events.rejected"
METRICS = "pulse.metrics"
ALERTS = "pulse.alerts"
"""Notices, one JSON object a record, in the partition of their site; the record's key is the notice's id."""
SUMMARIES = "pulse.summaries"
"""Notices of how a site's minutes, hours and days were, kept apart as `ALERTS` is read from its beginning at starts."""
DEAD = "pulse.deliveries.dead"
"""Deliveries that are not tried again, one JSON object a record; the record's key is the endpoint's id."""
CONFIG = "pulse.config"

REFINING = {RAW: "pulse-streams", SLOW: "pulse-streams-slow"}
"""The consumer group in which refinement reads each lane."""

MAX_RECORD_BYTES = 900_000
"""The largest record that Pulse makes, before compression: brokers refuse 1 MiB unless told otherwise."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True)
class Topic:
    """A topic as it is to be created; `kept_ms` is None where it is compacted instead."""

    name: str
    kept_ms: int | None
    partitions: int | None = None

    def config(self, replication: int, raw_hours: int) -> dict[str, str]:
        """The topic's settings in Kafka's own words, for so many copies, where raw events are kept for so many hours.

        Of three copies two must have a record before it is acknowledged. A record keeps the time of the raw one it was
        made of, also where that clock ran ahead: Kafka would else refuse it until that time has come.
        """
        shared = {"min.insync.replicas": "2" if replication > 2 else "1"}
        if self.kept_ms is None:
            return {"cleanup.policy": "compact", **shared}
        kept = {"cleanup.policy": "delete", "retention.ms": str(self.kept_ms), **self.forgetting(raw_hours)}
        return {**kept, **shared, "message.timestamp.after.max.ms": str((1 << 63) - 1)}

    def forgetting(self, raw_hours: int) -> dict[str, str]:
        """What has a lane of raw events, which hold whole addresses, forget them after so many hours; nothing for others.

        Kafka deletes whole segments, and by itself begins a new one after a week: here it does after a sixth of the time.
        """
        if self.name not in REFINING:
            return {}
        kept_ms = raw_hours * HOUR_MS
        return {"retention.ms": str(kept_ms), "segment.ms": str(kept_ms // 6)}


TOPICS = (
    Topic(RAW, 2 * DAY_MS),
    Topic(SLOW, 2 * DAY_MS),
    Topic(EVENTS, 7 * DAY_MS),
    Topic(REJECTED, 30 * DAY_MS),
    Topic(METRICS, 3 * DAY_MS),
    Topic(ALERTS, 30 * DAY_MS),
    Topic(SUMMARIES, 7 * DAY_MS),
    Topic(DEAD, 30 * DAY_MS),
    Topic(CONFIG, None, partitions=1),
)


def partition_of(site_id: str, key: str, partitions: int) -> int:
    """The partition of a site's key (a visitor, a user, …), the same for ever while their number stands."""
    return xxh3_64_intdigest(f"{site_id}\0{key}".encode()) % partitions
