"""What the live view tells of itself."""

from prometheus_client import Counter, Gauge, Histogram

CONNECTIONS = Gauge("pulse_live_connections", "Connections that are open, by way.", ("way",))
OPENED = Counter("pulse_live_opened", "Connections that were opened, by way.", ("way",))
REFUSED = Counter("pulse_live_refused", "Connections that were refused, by code.", ("code",))
ENDED = Counter("pulse_live_ended", "Connections that were ended by the live view, by code.", ("code",))
SENT = Counter("pulse_live_messages", "Messages put into connections, by kind.", ("kind",))
EVENTS = Counter("pulse_live_events", "Events read from the log.")
GAPS = Counter("pulse_live_gaps", "Clients that were told that something is missing.")
RESUMED = Counter("pulse_live_resumed", "Clients that went on where they had been cut off.")
FLUSH = Histogram(
    "pulse_live_flush_seconds",
    "Time to send everybody what was read.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2),
)
TICK = Histogram(
    "pulse_live_tick_seconds",
    "Time to send counters to the clients of one turn, of which there are twenty a second.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2),
)
BUFFER = Gauge("pulse_live_buffer_bytes", "Memory of what is held for clients that were cut off.")
