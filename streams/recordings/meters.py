"""What the recording process measures."""

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter("pulse_recordings_events", "Events read from the log, by what became of them.", ["as"])
WRITTEN = Counter("pulse_recordings_written", "Objects written, by what they hold.", ["what"])
BYTES = Counter("pulse_recordings_bytes", "Bytes written.")
SECONDS = Histogram(
    "pulse_recordings_write_seconds",
    "How long it took to write what was gathered.",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
GATHERED = Gauge("pulse_recordings_gathered_bytes", "Bytes of events that are gathered and not written yet.")
FAILED = Counter("pulse_recordings_failed", "Times that the store did not take what was gathered.")
PRUNED = Counter("pulse_recordings_pruned", "Objects deleted because their day was too long ago.")
KEPT = Gauge("pulse_recordings_kept_objects", "Objects in the store, counted each night.")
KEPT_BYTES = Gauge("pulse_recordings_kept_bytes", "Their bytes.")
PRUNED_AT = Gauge("pulse_recordings_pruned_timestamp_seconds", "When old recordings were last deleted.")
