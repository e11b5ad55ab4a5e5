"""What the sink measures."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import REGISTRY, Collector

ROWS = Counter("pulse_sink_rows", "Rows stored.", ["table"])
SKIPPED = Counter("pulse_sink_skipped", "Records skipped because they were stored already.", ["topic"])
REFUSED = Counter("pulse_sink_refused", "Lines that could not be stored, kept in events_rejected.", ["table"])
LEDGER = Counter("pulse_sink_ledger_events", "Events entered in the ledger, by what became of them.", ["as"])
INSERT_SECONDS = Histogram(
    "pulse_sink_insert_seconds",
    "How long an insert took.",
    ["table"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
BLOCK_SECONDS = Histogram("pulse_sink_block_seconds", "How long a block took, from its first record to its commit.")
LAG = Gauge("pulse_sink_lag", "Records in the log that are not stored yet.", ["topic"])
BEGINNINGS = Counter("pulse_sink_beginnings", "How often ClickHouse was asked where to go on.")
REWINDS = Counter("pulse_sink_rewinds", "How often a partition was read again from its beginning.", ["topic"])


class Freshness(Collector):
    """A histogram of every stored event's age, from its receipt to when it is stored."""

    BOUNDS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

    def __init__(self) -> None:
        self._counts = np.zeros(len(self.BOUNDS) + 1, np.int64)
        self._sum = 0.0

    def observe(self, ages: npt.NDArray[np.float64]) -> None:
        """Count ages in seconds."""
        self._counts += np.bincount(np.searchsorted(self.BOUNDS, ages), minlength=len(self._counts))
        self._sum += float(ages.sum())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histogram as Prometheus reads it."""
        bounds = [*map(str, self.BOUNDS), "+Inf"]
        buckets = [(bound, float(n)) for bound, n in zip(bounds, self._counts.cumsum(), strict=True)]
        yield HistogramMetricFamily(
            "pulse_sink_freshness_seconds",
            "Age of the events when they were stored, since they were received.",
            buckets=buckets,
            sum_value=self._sum,
        )


FRESHNESS = Freshness()
REGISTRY.register(FRESHNESS)
