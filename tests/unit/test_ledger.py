"""The ledger: whatever a raw record holds and whatever was seen before, each of its lines is accounted for once."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from pulse.ledger import HEADER, Entry, header_of
from pulse.minute import MINUTE_MS
from streams.ledger import accounted, headers
from streams.memory import Memory
from streams.record import Taken
from streams.refinement import Refined, refine
from tests.unit.streams_events import DAY, ID, LOG, NOW, STEPS, kept, raw, refined, taken

SITES = ("shop", "blog", "Shop", "")
MOMENTS = (NOW, NOW - 1, NOW - MINUTE_MS, NOW + DAY, 0)
BROKEN = (b"broken", b"[]", b"\xff", b'{"site_id":"shop","event":5,"received_at":1}', b'{"site_id":7}')
lines = st.one_of(
    st.tuples(st.integers(0, 9), st.sampled_from(SITES), st.sampled_from(MOMENTS), st.booleans()).map(
        lambda four: raw(event_id=ID.format(four[0]), site_id=four[1], received_at=four[2], ts=NOW - 30 * DAY * four[3])
    ),
    st.sampled_from(BROKEN),
)
records = st.lists(st.lists(lines, max_size=8), max_size=4).map(
    lambda some: [taken(*each, offset=10 + n) for n, each in enumerate(some)]
)


def entries_of(made: Refined) -> list[Entry]:
    """What the headers of a raw record's output say."""
    return [json.decode(line, type=Entry) for record in made.events for line in (record.ledger or b"").splitlines()]


@given(records)
def test_nothing_vanishes_of_any_site_and_minute(log: list[Taken]) -> None:
    memory = Memory(DAY)
    for record in log:
        made = refine(record, LOG, memory, STEPS)
        assert made is not None
        found = entries_of(made)
        assert all(e.received == e.kept + e.duplicates + e.rejected > 0 for e in found)
        assert sum(e.received for e in found) == made.taken == len(record.value.splitlines())
        assert sum(e.kept for e in found) == made.kept
        assert sum(e.duplicates for e in found) == made.duplicates
        assert sum(e.rejected for e in found) == sum(made.reasons.values())
        cells = [(e.site_id, e.minute) for e in found]
        assert len(cells) == len(set(cells))
        written = Counter((e["site_id"], e["received_at"] // MINUTE_MS * MINUTE_MS) for e in kept(made))
        assert written == {(e.site_id, e.minute): e.kept for e in found if e.kept}


@given(records)
def test_it_is_the_same_whenever_the_record_is_refined(log: list[Taken]) -> None:
    for record in log:
        one, other = (refine(record, LOG, Memory(DAY), STEPS) for _ in range(2))
        assert one is not None
        assert other is not None
        assert [made.ledger for made in one.events] == [made.ledger for made in other.events]


def test_a_record_that_kept_nothing_is_written_with_its_ledger_alone() -> None:
    memory = Memory(DAY)
    refined(raw(event_id=ID.format(1)), memory=memory, offset=1)
    made = refined(raw(event_id=ID.format(1)), b"broken", memory=memory, offset=2)
    [record] = made.events
    assert (record.value, record.place.offset, record.place.part) == (b"", 2, 0)
    minute = NOW // MINUTE_MS * MINUTE_MS
    assert entries_of(made) == [
        Entry(site_id="shop", minute=minute, received=1, duplicates=1),
        Entry(minute=minute, received=1, rejected=1),
    ]


def test_a_record_of_nothing_has_no_output() -> None:
    assert refined(offset=3).events == []


def test_a_line_that_names_no_moment_was_received_when_its_record_was_written() -> None:
    [entry] = entries_of(refined(b'{"site_id":"shop","event":5,"received_at":4000000000000}', at=NOW))
    assert entry == Entry(site_id="shop", minute=NOW // MINUTE_MS * MINUTE_MS, received=1, rejected=1)


@given(st.integers(0, 6), st.integers(0, 6))
def test_values_and_ledgers_share_the_parts(values: int, ledgers: int) -> None:
    made = accounted([b"v%d" % n for n in range(values)], [b"l%d" % n for n in range(ledgers)])
    assert [value for value, _ in made if value] == [b"v%d" % n for n in range(values)]
    assert [ledger for _, ledger in made if ledger] == [b"l%d" % n for n in range(ledgers)]
    assert len(made) == max(values, values + ledgers - 1 if values and ledgers else ledgers)


def test_an_overlong_ledger_goes_on_in_records_of_its_own() -> None:
    made = refined(*(b'{"site_id":"site-%d"}' % n for n in range(5_000)), raw())
    assert len(made.events) > 2
    assert all(len(record.ledger or b"") <= 60_000 for record in made.events)
    assert [bool(record.value) for record in made.events] == [True] + [False] * (len(made.events) - 1)
    assert [record.place.part for record in made.events] == list(range(len(made.events)))
    assert sum(e.received for e in entries_of(made)) == 5_001


@given(st.lists(st.builds(Entry, site_id=st.text(), minute=st.integers(0, 2**40), received=st.integers(0, 2**40))))
def test_entries_come_out_of_headers_as_they_went_in(some: list[Entry]) -> None:
    values = headers(some, 200)
    assert [json.decode(line, type=Entry) for value in values for line in value.splitlines()] == some


def test_no_header_is_told_from_an_empty_one() -> None:
    assert header_of(None) is None
    assert header_of([("place", b"x")]) is None
    assert header_of([(HEADER, None)]) == b""
    assert header_of([("place", b"x"), (HEADER, b"y")]) == b"y"
