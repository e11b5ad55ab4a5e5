"""What the streams tell of themselves: lag as seconds, and libraries that repeat themselves seldom."""

import logging
import time

from streams.figures import Now, Size
from streams.quiet import Seldom

RAW = ("pulse.events.raw", 0)


def lag(offset: int, timestamp: int, end: int | None) -> float:
    """What is told of a partition that stands at an offset."""
    page = Now(
        lambda: {RAW: (offset, timestamp)},
        lambda where: end,
        lambda: [Size(0, 5, 80, 7, 21, 9, 900, 2, 4, 400, 3)],
        lambda: True,
    )
    gauges = {gauge.name: gauge for gauge in page.collect()}
    assert [sample.value for sample in gauges["pulse_refine_seen_ids"].samples] == [5, 7]
    assert [sample.value for sample in gauges["pulse_refine_seen_bytes"].samples] == [80, 21]
    assert [sample.value for sample in gauges["pulse_refine_devices"].samples] == [9]
    assert [sample.value for sample in gauges["pulse_refine_devices_forgotten"].samples] == [2]
    assert [sample.value for sample in gauges["pulse_refine_devices_bytes"].samples] == [900, 400]
    assert [sample.value for sample in gauges["pulse_refine_places"].samples] == [4]
    assert [sample.value for sample in gauges["pulse_refine_places_forgotten"].samples] == [3]
    assert gauges["pulse_refine_waiting"].samples[0].value == 1
    [sample] = gauges["pulse_stream_lag_seconds"].samples
    assert sample.labels == {"topic": "pulse.events.raw", "partition": "0"}
    return sample.value


def test_lag_is_the_age_of_what_is_taken_and_none_at_the_end() -> None:
    now = int(time.time() * 1000)
    assert 59 < lag(10, now - 60_000, end=20) < 62
    assert lag(20, now - 60_000, end=20) == 0
    assert lag(10, 0, end=20) == 0
    assert lag(10, now, end=None) == 0


def test_a_library_says_the_same_once_in_a_while_and_pulse_whenever_it_likes() -> None:
    seldom = Seldom(each_s=3600)

    def passes(name: str, message: str) -> bool:
        return seldom.filter(logging.LogRecord(name, logging.ERROR, "", 0, message, (), None))

    assert [passes("aiokafka.client", "away") for _ in range(3)] == [True, False, False]
    assert passes("aiokafka.client", "another")
    assert [passes("streams.watch", "away") for _ in range(2)] == [True, True]
