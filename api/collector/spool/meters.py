"""What the spool counts, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class Meters:
    """The spool's counters, in the collector's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        r, name = registry, "pulse_collector_spool_"
        self.bytes = Gauge(name + "bytes", "Bytes of the spool on disk.", registry=r)
        self.records = Gauge(name + "records", "Records of the spool that are not in the log yet.", registry=r)
        self.events = Gauge(name + "events", "Events of these records.", registry=r)
        self.appended = Counter(name + "records_appended", "Records made durable in the spool.", registry=r)
        self.drained = Counter(name + "records_drained", "Records of the spool acknowledged by the log.", registry=r)
        self.cut = Counter(name + "cut_bytes", "Bytes of unfinished writes cut off at a start.", registry=r)
        self.lost = Counter(name + "lost_bytes", "Bytes of the spool that are damaged and lost.", registry=r)
        self.sync = Histogram(
            name + "sync_seconds", "A write of the spool with its fsync.", buckets=SECONDS, registry=r
        )

    def show(self, size: Callable[[], int], records: Callable[[], int], events: Callable[[], int]) -> None:
        """Read the gauges from these."""
        self.bytes.set_function(size)
        self.records.set_function(records)
        self.events.set_function(events)
