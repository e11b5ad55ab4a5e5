"""Gathering: nothing lost, nothing doubled, nothing too large, and a lone request does not wait."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.collector.gather import Gatherer, Record, Ticket, cut


class Paper:
    """A log that keeps what it is sent, unsettled."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.is_idle = True

    def send(self, record: Record) -> None:
        self.records.append(record)

    def lines(self) -> list[bytes]:
        return [line for record in self.records for line in record.value().splitlines()]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[float, Callable[[], None]]] = []
        self.now = 0.0

    def __call__(self, seconds: float, call: Callable[[], None]) -> "Clock":
        self.waiting.append((seconds, call))
        return self

    def cancel(self) -> None:
        return None

    def passes(self) -> None:
        waiting, self.waiting = self.waiting, []
        for _, call in waiting:
            call()


def ticket() -> Ticket:
    return Ticket(asyncio.get_event_loop().create_future())


def gatherer(log: Paper, clock: Clock, batch_events: int = 500, most_bytes: int = 1_000) -> Gatherer:
    return Gatherer(log, clock, 0.005, batch_events, most_bytes, lambda: clock.now)


async def test_a_lone_request_waits_for_nothing_but_its_turn() -> None:
    log, clock = Paper(), Clock()
    gatherer(log, clock).add({0: [b"a"]}, ticket())
    assert [seconds for seconds, _ in clock.waiting] == [0]
    clock.passes()
    assert log.lines() == [b"a"]


async def test_requests_are_gathered_while_records_are_on_their_way() -> None:
    log, clock = Paper(), Clock()
    log.is_idle = False
    gathering = gatherer(log, clock)
    for number in range(10):
        gathering.add({number % 2: [b"%d" % number]}, ticket())
    assert log.records == []
    assert [seconds for seconds, _ in clock.waiting] == [pytest.approx(0.005, rel=0.1)]
    clock.passes()
    assert [(record.partition, len(record.lines)) for record in log.records] == [(0, 5), (1, 5)]


async def test_a_flood_is_gathered_for_longer_up_to_ten_times() -> None:
    log, clock = Paper(), Clock()
    log.is_idle = False
    gathering = gatherer(log, clock)
    lingered = []
    for pause in (0.1, 0.01, 0.001, 0.0001):
        for _ in range(10_000):
            clock.now += pause
            gathering.add({0: [b"a"]}, ticket())
        clock.passes()
        gathering.add({0: [b"a"]}, ticket())
        lingered.append(clock.waiting[-1][0])
        clock.passes()
    assert lingered == [pytest.approx(seconds, rel=0.1) for seconds in (0.0061, 0.01625, 0.0375, 0.05)]


async def test_enough_events_go_without_waiting() -> None:
    log, clock = Paper(), Clock()
    log.is_idle = False
    gathering = gatherer(log, clock, batch_events=3)
    gathering.add({0: [b"a", b"b"]}, ticket())
    assert log.records == []
    gathering.add({0: [b"c"], 1: [b"d"]}, ticket())
    assert [record.value() for record in log.records] == [b"a\nb\nc\n"]
    assert gathering.pending_bytes == 2


async def test_a_request_waits_for_all_of_its_records() -> None:
    log, clock = Paper(), Clock()
    waiting = ticket()
    gathering = gatherer(log, clock)
    gathering.add({0: [b"a"], 1: [b"b"]}, waiting)
    clock.passes()
    first, second = log.records
    assert first.settle(None)
    assert not waiting.done.done()
    assert second.settle(None)
    assert waiting.done.result() is None


async def test_one_failed_record_fails_the_request_and_those_it_shares_the_record_with() -> None:
    log, clock = Paper(), Clock()
    log.is_idle = False
    both, one = ticket(), ticket()
    gathering = gatherer(log, clock)
    gathering.add({0: [b"a"], 1: [b"b"]}, both)
    gathering.add({1: [b"c"]}, one)
    clock.passes()
    log.records[0].settle("no")
    assert both.done.result() == "no"
    log.records[1].settle(None)
    assert (both.done.result(), one.done.result()) == ("no", None)


def test_a_record_is_settled_once() -> None:
    record = Record(0)
    assert record.settle("too late")
    assert not record.settle(None)


requests = st.lists(
    st.dictionaries(
        st.integers(0, 3), st.lists(st.integers(1, 120).map(lambda n: b"x" * n), min_size=1, max_size=30), min_size=1
    ),
    max_size=20,
)


@given(requests, st.integers(1, 50))
def test_all_lines_arrive_once_in_order_in_records_of_bounded_size(
    sent: list[dict[int, list[bytes]]], batch_events: int
) -> None:
    async def run() -> None:
        log, clock = Paper(), Clock()
        gathering = gatherer(log, clock, batch_events, 200)
        tickets = [ticket() for _ in sent]
        for number, shares in enumerate(sent):
            gathering.add(shares, tickets[number])
            if number % 3 == 0:
                clock.passes()
        gathering.flush()
        for partition in range(4):
            arrived = [line for r in log.records if r.partition == partition for line in r.value().splitlines()]
            assert arrived == [line for shares in sent for line in shares.get(partition, [])]
        assert all(len(record.value()) <= 200 and len(record.value()) == record.size for record in log.records)
        assert gathering.pending_bytes == 0
        for record in log.records:
            record.settle(None)
        assert all(each.done.done() and each.done.result() is None for each in tickets)

    asyncio.run(run())


@given(st.lists(st.binary(max_size=50), min_size=1), st.integers(0, 100), st.integers(51, 100))
def test_cutting_keeps_every_line_within_its_bounds(lines: list[bytes], room: int, most: int) -> None:
    parts = list(cut(lines, room, most))
    assert [line for part, _ in parts for line in part] == lines
    assert [size for _, size in parts] == [sum(map(len, part)) + len(part) for part, _ in parts]
    assert all(size <= most for _, size in parts[1:])
    assert parts[0][1] <= max(room, len(lines[0]) + 1)
