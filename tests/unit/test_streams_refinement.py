"""Laws of refinement: its output depends on the record, its place and what was seen, and on nothing else."""

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from pulse.event import RefinedEvent
from pulse.place import Place
from pulse.topics import EVENTS, MAX_RECORD_BYTES, REJECTED
from streams.memory import Memory
from streams.record import Made, Taken, cut
from streams.record import written as written_as
from streams.refinement import Refined, name_of, refine
from streams.rollup import rollup
from streams.seen import digest
from streams.steps.step import Arrival
from streams.warm import digests_in
from tests.unit.streams_events import DAY, ID, LOG, NOW, STEPS, decoded, kept, raw, refined, refused, taken

lines = st.one_of(
    st.integers(0, 8).map(lambda n: raw(event_id=ID.format(n), event=f"e{n}")),
    st.just(raw()),
    st.tuples(st.integers(0, 3), st.floats(-5, 5)).map(
        lambda some: raw(event=f"e{some[0]}", ts=NOW - some[0] * 40_000, country="AT", revenue=some[1], currency="EUR")
    ),
    st.just(raw(ts=NOW - 30 * DAY)),
    st.just(b"broken"),
)
logs = st.lists(st.lists(lines, max_size=6), max_size=8).map(
    lambda records: [taken(*some, offset=10 + n) for n, some in enumerate(records)]
)


def put_fault(event: RefinedEvent, arrival: Arrival) -> None:
    if event.event == "poison":
        raise ZeroDivisionError


def all_of(records: list[Taken], memory: Memory) -> list[Refined]:
    return [made for record in records if (made := refine(record, LOG, memory, STEPS)) is not None]


def written(made: list[Refined]) -> list[Made]:
    return [record for each in made for record in each.events]


def by_key(metrics: list[Made]) -> dict[tuple[Place, int], list[bytes]]:
    return {(each.place, each.partition): sorted(each.value.splitlines()) for each in metrics}


def warmed(records: list[Made]) -> Memory:
    """A memory as it is read back from what was written."""
    memory = Memory(DAY)
    for record in records:
        place = record.place
        memory.written(place.offset, place.part, digests_in(record.value), record.timestamp, place.log)
    return memory


@given(logs, st.integers(0, 8))
def test_a_restart_anywhere_changes_nothing(log: list[Taken], stop: int) -> None:
    whole = written(all_of(log, Memory(DAY)))
    before = written(all_of(log[:stop], Memory(DAY)))
    after = written(all_of(log[stop:], warmed(before)))
    assert before + after == whole


@given(logs, st.integers(0, 8))
def test_what_is_replayed_after_all_was_written_gives_nothing_new(log: list[Taken], back: int) -> None:
    whole = written(all_of(log, Memory(DAY)))
    assert written(all_of(log[back:], warmed(whole))) == []


@given(logs, st.integers(0, 20))
def test_a_crash_between_two_records_of_output_is_mended(log: list[Taken], arrived: int) -> None:
    whole = written(all_of(log, Memory(DAY)))
    rest = written(all_of(log, warmed(whole[:arrived])))
    assert whole[:arrived] + rest == whole


@given(logs)
def test_nothing_vanishes(log: list[Taken]) -> None:
    made = all_of(log, Memory(DAY))
    for each in made:
        assert each.taken == each.kept + each.duplicates + sum(each.reasons.values())
        assert each.kept == len(kept(each))
        assert sum(each.reasons.values()) == len(refused(each))
    assert sum(each.taken for each in made) == sum(len(record.value.splitlines()) for record in log)


@given(logs, st.integers(1, 4))
def test_what_is_counted_at_once_is_what_is_counted_of_the_written_records(log: list[Taken], partitions: int) -> None:
    memory = Memory(DAY)
    for record in log:
        made = refine(record, LOG, memory, STEPS, partitions)
        assert made is not None
        assert by_key(made.metrics) == by_key(
            [each for part in made.events for each in rollup(written_as(part), partitions)]
        )


@given(logs)
def test_every_id_is_written_once_at_its_first_occurrence(log: list[Taken]) -> None:
    made = all_of(log, Memory(DAY))
    ids = Counter(event["event_id"] for each in made for event in kept(each))
    assert set(ids.values()) <= {1}
    sent = {e.event_id for record in log for e in decoded(record.value).events if e.event_id and e.ts == NOW}
    assert sent <= ids.keys()


@given(logs)
def test_places_grow_and_name_the_record_they_came_from(log: list[Taken]) -> None:
    made = written(all_of(log, Memory(DAY)))
    numbers = [record.place.number for record in made]
    assert numbers == sorted(set(numbers))
    assert {(r.place.log, r.place.partition, r.partition, r.topic) for r in made} <= {(LOG, 0, 0, EVENTS)}


@settings(max_examples=20)
@given(st.lists(st.integers(1, 30_000), min_size=40, max_size=120), st.integers(0, 8))
def test_large_output_is_cut_into_parts_that_a_restart_completes(sizes: list[int], arrived: int) -> None:
    record = taken(*(raw(event_id=ID.format(n), properties={"t": '"' * (size // 2)}) for n, size in enumerate(sizes)))
    whole = refine(record, LOG, Memory(DAY), STEPS)
    assert whole is not None
    assert [part.place for part in whole.events] == [Place(LOG, 0, 7, n) for n in range(len(whole.events))]
    assert all(len(part.value) <= MAX_RECORD_BYTES for part in whole.events)
    assert len(kept(whole)) == len(sizes)
    assert by_key(whole.metrics) == by_key([each for part in whole.events for each in rollup(written_as(part), 1)])
    rest = refine(record, LOG, warmed(whole.events[:arrived]), STEPS)
    assert rest is not None
    assert whole.events[:arrived] + rest.events == whole.events


@given(st.lists(st.binary(min_size=1, max_size=50).filter(lambda line: b"\n" not in line)), st.integers(1, 200))
def test_cutting_keeps_all_lines_in_order(some: list[bytes], most: int) -> None:
    values = cut(some, most)
    assert b"".join(values).split(b"\n")[:-1] == some
    assert all(len(value) <= most or value.count(b"\n") == 1 for value in values)


def test_rejected_lines_carry_the_place_and_are_written_again_by_a_replay() -> None:
    memory = Memory(DAY)
    first, again = refined(b"broken", raw(), memory=memory), refined(b"broken", raw(), memory=memory)
    assert [(r.topic, r.place) for r in first.refused] == [(REJECTED, Place(LOG, 0, 7))]
    assert (first.refused, again.events) == (again.refused, [])


def test_a_fault_of_a_step_costs_one_event_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    record = taken(raw(event_id=ID.format(1)), raw(event="poison", event_id=ID.format(2)), raw(event_id=ID.format(3)))
    made = refine(record, LOG, Memory(DAY), (*STEPS, put_fault))
    assert made is not None
    assert [event["event_id"] for event in kept(made)] == [ID.format(1), ID.format(3)]
    [line] = refused(made)
    assert (line["reason"], line["event_id"], line["index"]) == ("unexpected", ID.format(2), 1)
    assert "put_fault" in line["detail"]
    assert caplog.records[0].__dict__["step"] == name_of(put_fault)


def put_unwritable(event: RefinedEvent, arrival: Arrival) -> None:
    if event.event == "poison":
        event.network_source = "vpn-\udcff.txt"


def test_an_event_that_cannot_be_written_costs_itself_alone(caplog: pytest.LogCaptureFixture) -> None:
    sent = [
        raw(event="poison" if n % 50 == 1 else "buy", event_id=ID.format(n), revenue=n, currency="EUR")
        for n in range(140)
    ]
    good = [event for event in sent if event["event"] == "buy"]
    memory = Memory(DAY)
    made = refine(taken(b"broken", *sent, raw(ts=NOW - 30 * DAY)), LOG, memory, (*STEPS, put_unwritable))
    assert made is not None
    assert [event["event_id"] for event in kept(made)] == [event["event_id"] for event in good]
    assert [json.decode(each.value)["events"] for each in made.metrics] == [len(good)]
    assert by_key(made.metrics) == by_key([each for part in made.events for each in rollup(written_as(part), 1)])
    unexpected = [line for line in refused(made) if line["reason"] == "unexpected"]
    assert [(line["event_id"], line["index"]) for line in unexpected] == [(ID.format(n), n + 1) for n in (1, 51, 101)]
    assert all(json.decode(line["line"])["event_id"] == line["event_id"] for line in unexpected)
    assert all("put_into_line: UnicodeEncodeError" in line["detail"] for line in unexpected)
    assert made.taken == made.kept + sum(made.reasons.values()) == len(sent) + 2
    assert {record.__dict__["step"] for record in caplog.records} == {"put_into_line"}
    again = refined(*sent, memory=memory, offset=8)
    assert (again.kept, again.duplicates) == (3, len(good))


def test_an_event_that_cannot_be_written_costs_itself_alone_beside_one_that_is_refused() -> None:
    poison, good = raw(event="poison", event_id=ID.format(1)), raw(event="buy", event_id=ID.format(2))
    made = refine(taken(raw(ts=NOW - 30 * DAY), poison, good), LOG, Memory(DAY), (*STEPS, put_unwritable))
    assert made is not None
    assert [event["event_id"] for event in kept(made)] == [ID.format(2)]
    told = [(line["reason"], line.get("index", 0), json.decode(line["line"])["event"]) for line in refused(made)]
    assert told == [("too_old", 0, "page_view"), ("unexpected", 1, "poison")]


def test_a_fault_of_decoding_costs_one_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(value: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("streams.refinement.decode", decode)
    made = refined(raw(), raw())
    [line] = refused(made)
    assert (line["reason"], "site_id" in line, kept(made)) == ("unexpected", False, [])
    assert line["line"].startswith('{"event":"page_view"')


def test_a_fault_does_not_make_its_event_seen() -> None:
    memory = Memory(DAY)
    refine(taken(raw(event="poison", event_id=ID.format(1)), offset=1), LOG, memory, (*STEPS, put_fault))
    assert refined(raw(event_id=ID.format(1)), memory=memory, offset=2).kept == 1


def test_duplicates_are_counted_not_refused() -> None:
    memory = Memory(DAY)
    refined(raw(event_id=ID.format(1)), memory=memory, offset=1)
    made = refined(
        raw(event_id=ID.format(1).upper()), raw(event_id=ID.format(1), site_id="other"), memory=memory, offset=2
    )
    assert (made.duplicates, made.kept, made.refused) == (1, 1, [])


def test_every_step_is_timed_now_and_then() -> None:
    made = refine(taken(raw(), offset=0), LOG, Memory(DAY), STEPS)
    assert made is not None
    assert list(made.seconds) == [name_of(step) for step in STEPS]
    assert all(name.startswith(("put_", "drop_", "hide_")) for name in made.seconds)


def test_output_keeps_the_time_at_which_the_raw_record_was_written() -> None:
    assert refined(raw(), at=NOW + 5).events[0].timestamp == NOW + 5


def test_ids_read_back_are_the_ids_that_were_written() -> None:
    [record] = refined(raw(event_id=ID.format(1)), raw(event_id=ID.format(2))).events
    assert digests_in(record.value) == [digest("shop", ID.format(n)) for n in (1, 2)]
    damaged = b"\n".join([*islice(record.value.splitlines(), 1), b"broken", b"{}"])
    assert digests_in(damaged) == [digest("shop", ID.format(1))]
    assert json.decode(record.value.splitlines()[0])["event_id"] == ID.format(1)
