"""What the streams count and measure, for Prometheus."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import Counter, Summary
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pulse.network.finder import Finder
from pulse.network.source import days_old
from streams.memory import Memory
from streams.refinement import Refined

LABELS = ["partition", "kept"]

RECORDS = Counter("pulse_stream_records_total", "Records taken.", ["stage"])
MADE = Counter("pulse_stream_records_made_total", "Records written.", ["stage"])
TAKEN = Counter("pulse_refine_events_taken_total", "Lines of raw records.")
KEPT = Counter("pulse_refine_events_kept_total", "Events refined and written.")
DUPLICATES = Counter("pulse_refine_events_duplicate_total", "Events that had been seen.")
REJECTED = Counter("pulse_refine_events_rejected_total", "Events refused.", ["reason"])
BOTS = Counter("pulse_refine_events_bot_total", "Events kept that a machine sent.")
PARTIALS = Counter("pulse_rollup_partials_total", "Partial minute aggregates written.")
STEP = Summary("pulse_refine_step_seconds", "Time of one step over one event, sampled.", ["step"])
SUSPICIONS = Counter(
    "pulse_refine_suspicions_total", "Events that an older id's filter claims, by what the store says.", ["found"]
)
CONFIRMING = Summary("pulse_refine_confirm_seconds", "Time of asking the store about suspected events.")
WARMING = Summary("pulse_refine_warm_seconds", "Time of reading back what was seen of a partition.")
SLOW = Counter(
    "pulse_stream_slow_batches_total",
    "Batches of the lane that yields, taken while nobody had to wait for it (calm) or as its least share (busy).",
    ["while"],
)
BATCH = Summary("pulse_stream_batch_seconds", "Time of one batch of records, by what it was spent on.", ["stage", "on"])


def count(refined: Refined) -> None:
    """Count what became of a raw record; of one whose output was in the log already, that is counted."""
    RECORDS.labels("refine").inc()
    if not refined.events:
        return
    TAKEN.inc(refined.taken)
    KEPT.inc(refined.kept)
    DUPLICATES.inc(refined.duplicates)
    BOTS.inc(refined.bots)
    for reason, number in refined.reasons.items():
        REJECTED.labels(reason).inc(number)
    for step, seconds in refined.seconds.items():
        STEP.labels(step).observe(seconds)


class Size(NamedTuple):
    """What is remembered of a partition: ids and bytes, exactly and in filters; devices, networks, and how many were forgotten for want
    of room."""

    partition: int
    exact: int
    exact_bytes: int
    older: int
    older_bytes: int
    devices: int
    devices_bytes: int
    devices_forgotten: int
    places: int
    places_bytes: int
    places_forgotten: int


def size_of(partition: int, memory: Memory) -> Size:
    """What a memory holds."""
    older, devices, places = memory.older, memory.devices.known, memory.devices.places
    followed = (each for some in (devices, places) for each in (len(some), some.nbytes, some.forgotten))
    return Size(partition, memory.exact, memory.exact_bytes, len(older), older.nbytes, *followed)


class Now(Collector):
    """What is measured when it is asked for: lag of each owned partition, and ids remembered."""

    def __init__(
        self,
        standing: Callable[[], Mapping[tuple[str, int], tuple[int, int]]],
        highwater: Callable[[tuple[str, int]], int | None],
        sizes: Callable[[], Iterable[Size]],
        waiting: Callable[[], bool],
    ) -> None:
        self._standing = standing
        self._highwater = highwater
        self._sizes = sizes
        self._waiting = waiting

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        lag = GaugeMetricFamily(
            "pulse_stream_lag_seconds", "Age of what is being taken, 0 at the end.", labels=["topic", "partition"]
        )
        for (topic, partition), (offset, timestamp) in self._standing().items():
            high = self._highwater((topic, partition))
            behind = timestamp and high is not None and high > offset
            lag.add_metric([topic, str(partition)], max(time.time() - timestamp / 1000, 0.0) if behind else 0.0)
        yield lag
        ids = GaugeMetricFamily(
            "pulse_refine_seen_ids", "Event ids remembered; the latest both exactly and in filters.", labels=LABELS
        )
        size = GaugeMetricFamily("pulse_refine_seen_bytes", "Memory that remembered event ids take.", labels=LABELS)
        sizes = list(self._sizes())
        for each in sizes:
            ids.add_metric([str(each.partition), "exact"], each.exact)
            ids.add_metric([str(each.partition), "filter"], each.older)
            size.add_metric([str(each.partition), "exact"], each.exact_bytes)
            size.add_metric([str(each.partition), "filter"], each.older_bytes)
        yield ids
        yield size
        yield from _followed(sizes)
        yield GaugeMetricFamily(
            "pulse_refine_waiting", "1 while refinement waits for the store.", value=float(self._waiting())
        )


def _followed(sizes: Iterable[Size]) -> Iterator[Metric]:
    """What is known of devices, and of the networks that they were at."""
    devices = GaugeMetricFamily(
        "pulse_refine_devices", "Devices of which it is known where they were seen.", labels=["partition"]
    )
    places = GaugeMetricFamily(
        "pulse_refine_places", "Networks of which it is known which devices were there.", labels=["partition"]
    )
    taken = GaugeMetricFamily(
        "pulse_refine_devices_bytes", "Memory that they take, as counted.", labels=["partition", "kept"]
    )
    forgotten = CounterMetricFamily(
        "pulse_refine_devices_forgotten",
        "Devices forgotten early, for want of room in PULSE_DEVICES_MB.",
        labels=["partition"],
    )
    places_forgotten = CounterMetricFamily(
        "pulse_refine_places_forgotten",
        "Networks forgotten early, for want of room in PULSE_DEVICES_MB.",
        labels=["partition"],
    )
    for each in sizes:
        partition = str(each.partition)
        devices.add_metric([partition], each.devices)
        places.add_metric([partition], each.places)
        taken.add_metric([partition, "devices"], each.devices_bytes)
        taken.add_metric([partition, "places"], each.places_bytes)
        forgotten.add_metric([partition], each.devices_forgotten)
        places_forgotten.add_metric([partition], each.places_forgotten)
    return iter((devices, places, taken, forgotten, places_forgotten))


class Networks(Collector):
    """How old the data on networks are, and how many of their files cannot be read."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges; without data there is no age."""
        data, now_ms = self._finder.data, time.time_ns() // 1_000_000
        age = GaugeMetricFamily(
            "pulse_network_data_days", "Age of the data that tell networks by addresses.", labels=["package"]
        )
        for each in data.table.about.taken if data.table else ():
            age.add_metric([each.name], days_old(each.made_ms, now_ms))
        yield age
        yield GaugeMetricFamily(
            "pulse_network_faults", "What cannot be read of data on networks, said in the log.", value=len(data.faults)
        )
