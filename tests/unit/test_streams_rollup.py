"""Rollup of a record: what it counts is what the record holds, and its place goes on."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from pulse.minute import Partial
from pulse.place import HEADER, Place
from pulse.topics import METRICS, partition_of
from streams.record import Taken
from streams.rollup import rollup

NOW = 1_800_000_000_000
PLACE = Place("log-1", 2, 40, 1)

events = st.lists(
    st.fixed_dictionaries(
        {
            "site_id": st.sampled_from(["a", "b", "c", "d"]),
            "event": st.sampled_from(["page_view", "purchase"]),
            "ts": st.integers(NOW, NOW + 200_000),
            "bot": st.booleans(),
            "revenue": st.none() | st.integers(-100, 100).map(float),
        },
        optional={"country": st.just("AT"), "currency": st.just("EUR"), "path": st.just("/x")},
    )
)


def record(lines: bytes, headers: tuple[tuple[str, bytes | None], ...] = ((HEADER, PLACE.encode()),)) -> Taken:
    return Taken("pulse.events", 2, 9, NOW, lines, headers)


def value(some: list[dict[str, object]]) -> bytes:
    return b"".join(json.encode(event) + b"\n" for event in some)


@given(events, st.integers(1, 5))
def test_partials_add_up_to_the_events_and_lie_where_their_site_belongs(some: list[dict[str, object]], n: int) -> None:
    made = rollup(record(value(some)), n)
    counted: Counter[str] = Counter()
    for each in made:
        assert (each.topic, each.place, each.timestamp) == (METRICS, PLACE, NOW)
        for line in each.value.splitlines():
            partial = json.decode(line, type=Partial)
            assert each.partition == partition_of(partial.site_id, "", n)
            counted[partial.site_id] += partial.events
    assert counted == Counter(str(event["site_id"]) for event in some)
    assert len({each.partition for each in made}) == len(made)


@given(events, st.integers(1, 5))
def test_partials_are_never_larger_than_their_events(some: list[dict[str, object]], n: int) -> None:
    lines = b"".join(json.encode({**e, "event_id": "0" * 36, "received_at": NOW}) + b"\n" for e in some)
    assert sum(len(each.value) for each in rollup(record(lines), n)) <= len(lines)


@given(events)
def test_the_same_record_gives_the_same(some: list[dict[str, object]]) -> None:
    assert rollup(record(value(some)), 3) == rollup(record(value(some)), 3)


def test_a_foreign_line_is_passed_over() -> None:
    good = {"site_id": "a", "event": "e", "ts": NOW}
    [made] = rollup(record(value([good]) + b"broken\n" + value([good])), 1)
    assert json.decode(made.value.splitlines()[0], type=Partial).events == 2


def test_a_record_without_a_place_gives_nothing() -> None:
    assert rollup(record(value([{"site_id": "a", "event": "e", "ts": NOW}]), headers=()), 1) == []
    assert rollup(record(b""), 1) == []
