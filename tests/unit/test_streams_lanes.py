"""Two lanes of one log: an event counts once whichever it comes by, whatever order they are taken in, and over restarts."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from pulse.ledger import Entry
from pulse.topics import RAW, SLOW
from streams.beat import Beat
from streams.lane import gaps
from streams.memory import Bounds, Memory
from streams.record import Made, Taken
from streams.refinement import Refined, refine
from streams.sinklag import Ages
from streams.unread import since
from streams.warm import digests_in
from streams.yielding import LIVE_S, SHARE_S, SINK_S, Busy, may_take
from tests.unit.streams_events import DAY, ID, NOW, STEPS, kept, raw, taken

LOGS = {RAW: "log-live", SLOW: "log-slow"}
BIG = {"p": "x" * 30_000}
"""Some dozens of these do not fit into one record."""


class Worker:
    """Refinement of one partition, over an output that outlives it; it may die at any record of that."""

    def __init__(self) -> None:
        self.output: list[Made] = []
        self.restart(len(self.output))

    def restart(self, arrived: int) -> None:
        """Only so much of the output has arrived; it is read back, and what was begun last is finished first."""
        self.output = self.output[:arrived]
        self.memory = Memory(DAY)
        for made in self.output:
            place = made.place
            self.memory.written(place.offset, place.part, digests_in(made.value), made.timestamp, place.log)

    def take(self, record: Taken) -> Refined | None:
        made = refine(record, LOGS[record.topic], self.memory, STEPS)
        self.output += made.events if made else []
        return made

    def unfinished(self, lanes: dict[str, list[Taken]]) -> list[Taken]:
        log, offset = self.memory.last
        return [each for topic, lane in lanes.items() for each in lane if (LOGS[topic], each.offset) == (log, offset)]

    def ids(self) -> Counter[str]:
        return Counter(json.decode(line)["event_id"] for made in self.output for line in made.value.splitlines())

    def ledger(self) -> list[Entry]:
        headers = (made.ledger or b"" for made in self.output)
        return [json.decode(line, type=Entry) for header in headers for line in header.splitlines()]


def lane(topic: str, records: Sequence[Sequence[int]], **more: object) -> list[Taken]:
    return [
        taken(*(raw(event_id=ID.format(n), **more) for n in some), offset=offset)._replace(topic=topic)
        for offset, some in enumerate(records)
    ]


records = st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=45), max_size=4)


@settings(deadline=None, max_examples=60)
@given(records, records, st.data())
def test_laws_of_two_lanes(live: list[list[int]], slow: list[list[int]], data: st.DataObject) -> None:
    lanes = {RAW: lane(RAW, live, properties=BIG), SLOW: lane(SLOW, slow, properties=BIG)}
    worker = Worker()
    for _ in range(data.draw(st.integers(1, 4))):
        worker.restart(data.draw(st.integers(0, len(worker.output))))
        for record in worker.unfinished(lanes):
            worker.take(record)
        at = dict.fromkeys(lanes, 0)
        while turns := [topic for topic in lanes if at[topic] < len(lanes[topic])]:
            topic = data.draw(st.sampled_from(turns))
            worker.take(lanes[topic][at[topic]])
            at[topic] += 1
    sent = Counter(ID.format(n) for some in (*live, *slow) for n in some)
    assert worker.ids() == dict.fromkeys(sent, 1)
    entries = worker.ledger()
    assert all(e.received == e.kept + e.duplicates + e.rejected for e in entries)
    assert sum(e.received for e in entries) == sum(sent.values())
    assert sum(e.kept for e in entries) == len(sent)
    places = [made.place for made in worker.output]
    assert len(set(places)) == len(places)
    for log in LOGS.values():
        own = [place.number for place in places if place.log == log]
        assert own == sorted(own), "a consumer passes over a place that is not beyond the one before"


def test_what_was_begun_is_finished_before_another_lane_goes_on() -> None:
    """Else its second part would be cut otherwise: without `A`, `B` fits into the first, which is in the log already."""
    fill = [raw(event_id=ID.format(n), properties=BIG) for n in range(29)]
    a, b = raw(event_id=ID.format(100), properties=BIG), raw(event_id=ID.format(101))
    slow, live = taken(*fill, a, b, offset=0)._replace(topic=SLOW), taken(a, offset=0)
    lanes = {RAW: [live], SLOW: [slow]}
    worker = Worker()
    worker.take(slow)
    assert [made.value.count(b"\n") for made in worker.output] == [29, 2]
    worker.restart(1)
    for record in (*worker.unfinished(lanes), live, slow):
        worker.take(record)
    assert worker.ids() == dict.fromkeys((ID.format(n) for n in (*range(29), 100, 101)), 1)
    assert sum(entry.received for entry in worker.ledger()) == 32


def test_a_repetition_by_the_other_lane_is_one_in_either_order() -> None:
    for first, other in ((RAW, SLOW), (SLOW, RAW)):
        worker = Worker()
        one, two = worker.take(lane(first, [[1, 2]])[0]), worker.take(lane(other, [[2, 3]])[0])
        assert one
        assert two
        assert [len(kept(one)), len(kept(two))] == [2, 1]
        assert two.duplicates == 1


def test_where_the_output_stands_is_told_for_each_lane() -> None:
    memory = Memory(DAY)
    memory.written(70, 0, [b"a"], NOW, "one")
    memory.written(3, 1, [b"b"], NOW, "other")
    assert (memory.first_part(69, "one"), memory.first_part(70, "one")) == (None, 1)
    assert (memory.first_part(2, "other"), memory.first_part(3, "other"), memory.first_part(4, "other")) == (None, 2, 0)
    assert memory.first_part(0, "third") == 0
    assert memory.is_own(3, b"b", "other")
    assert not memory.is_own(3, b"b", "one")
    assert memory.unseen(3, [b"b"], log="one") == [False]
    assert memory.unseen(3, [b"b"], log="other") == [True]
    assert memory.last == ("other", 3)


def test_an_id_is_not_forgotten_before_a_lane_that_is_late_was_looked_at() -> None:
    memory, later = Memory(DAY, Bounds(recent=8)), NOW + DAY + 3_600_000
    for offset, at in enumerate((NOW, later)):
        memory.written(offset, 0, [bytes([offset]) * 16], at, "live")
        memory.delivered(offset, offset)
    memory.turn(later, unread=NOW + 60_000)
    assert memory.exact == 2
    memory.turn(later)
    assert memory.exact == 1


def test_what_is_unread_is_told_by_the_lane_that_is_furthest_back() -> None:
    ends = {(RAW, 0): 10, (SLOW, 0): 5, (RAW, 1): 1}
    both = {(RAW, 0): (9, 700), (SLOW, 0): (4, 300), (RAW, 1): (0, 100)}
    assert since(0, both, ends.get, {}) == 300
    assert since(0, both | {(SLOW, 0): (5, 300)}, ends.get, {}) == 700
    head = taken(raw(), at=42)
    assert since(0, {(RAW, 0): (10, 700), (SLOW, 0): (5, 300)}, ends.get, {(RAW, 0): head}) is None
    nothing_yet = {(RAW, 0): (0, 0), (SLOW, 0): (0, 0)}
    assert since(0, nothing_yet, ends.get, {(SLOW, 0): head}) == 42
    assert since(0, nothing_yet, lambda _: None, {(SLOW, 0): head}) == 42, "it is there, though it has not come yet"
    assert since(0, nothing_yet, lambda _: None, {}) is None


def test_a_lane_yields_to_who_waits_but_is_never_stopped() -> None:
    assert may_take(Busy(0, 0), 0)
    assert may_take(Busy(LIVE_S, SINK_S), 0)
    assert not may_take(Busy(LIVE_S + 0.01, 0), SHARE_S - 0.01)
    assert not may_take(Busy(0, SINK_S + 0.01), SHARE_S - 0.01)
    assert may_take(Busy(60, 60), SHARE_S)


def test_how_far_a_reader_is_behind_is_how_long_ago_the_log_ended_where_it_stands() -> None:
    ages = Ages()
    assert ages.look(0, {0: 5}, {0: 5}) == 0
    assert ages.look(1, {0: 5}, {0: 9}) == 0
    assert ages.look(2, {0: 7}, {0: 12}) == 1
    assert ages.look(3, {0: 9}, {0: 12}) == 1
    assert ages.look(4, {0: 12}, {0: 12}) == 0
    assert ages.look(5, {0: None}, {0: 100}) == 0
    for now in range(6, 200):
        age = ages.look(now, {0: 12}, {0: 200})
    assert 50 < age <= 60


def test_a_freeze_is_noticed_whoever_looks_first() -> None:
    beat = Beat(3, now=0)
    assert beat.freezes(2.5) == 0
    assert beat.freezes(5.4) == 0
    assert beat.freezes(9) == 1
    assert beat.freezes(9.1) == 1


def test_records_that_do_not_follow_upon_each_other_are_noticed() -> None:
    some = [taken(raw(), offset=offset)._replace(topic=SLOW) for offset in (4, 5, 7)]
    assert gaps(some, {(SLOW, 0): (4, 0)}) == {(SLOW, 0): (6, 7)}
    assert gaps(some[:2], {(SLOW, 0): (3, 0)}) == {(SLOW, 0): (3, 4)}
    assert gaps(some[:2], {(SLOW, 0): (4, 0)}) == {}
