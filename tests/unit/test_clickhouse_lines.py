"""NDJSON to Arrow: every line is a row or told of, and none touches its neighbours."""

import math
from uuid import uuid4

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickhouse.sink.decimal import decimals, units
from clickhouse.sink.events import EVENTS
from clickhouse.sink.kind import months, unstored, wrong
from clickhouse.sink.lines import parse
from clickhouse.sink.metrics import METRICS
from clickhouse.sink.record import Record, lines_in, lines_of
from pulse import money
from pulse.minute import Key, Partial, Sums, fold, merge
from pulse.place import Place
from pulse.topics import EVENTS as TOPIC

unhurried = settings(deadline=None)
SCHEMA = pa.schema([("a", pa.int64()), ("s", pa.string()), ("f", pa.float64())])
GOOD = st.sampled_from(
    [b'{"a":1,"s":"x","f":0.5}', b'{"a":2}', b"{}", '{"s":"größe","z":[{}]}'.encode(), b'{"s":"\\u0000"}']
)
BAD = st.sampled_from(
    [
        *(b"{", b"[1]", b"7", b'"x"', b'{"a":"1"}', b'{"a":1.5}', b'{"a":99999999999999999999}', b'{"a":1}{"a":2}'),
        *(b"\xff\xfe", b'{"s":"\xff"}', b'{"a":1,"a":2}', b'{"f":1e999}', b'{"s":"\\ud800"}', b"{}}", b'{"s":{}}'),
    ]
)


def _record(number: int, value: bytes) -> Record:
    return Record(TOPIC, 0, number, Place("log", 0, number), value)


@unhurried
@given(st.lists(st.lists(st.tuples(st.booleans(), GOOD, BAD), max_size=6), max_size=6), st.booleans())
def test_each_line_is_a_row_or_told_of(recipes: list[list[tuple[bool, bytes, bytes]]], ended: bool) -> None:
    lines = [[good if fine else bad for fine, good, bad in recipe] for recipe in recipes]
    records = [_record(n, b"\n".join(own) + b"\n" * (ended and bool(own))) for n, own in enumerate(lines)]
    parsed = parse(records, SCHEMA)
    rows = [lines[origin][line] for origin, line in zip(parsed.origin, parsed.line, strict=True)]
    told = [(bad.record.offset, bad.line) for bad in parsed.bad]
    assert rows == [good for recipe in recipes for fine, good, _ in recipe if fine]
    assert told == [(n, bad) for n, recipe in enumerate(recipes) for fine, _, bad in recipe if not fine]
    for line, row in zip(rows, parsed.rows.to_pylist(), strict=True):
        said = msgspec.json.decode(line)
        assert row == {name: said.get(name) for name in SCHEMA.names}


@unhurried
@given(
    st.lists(st.lists(st.dictionaries(st.sampled_from("abcdz"), st.integers(0, 9) | st.none()), max_size=4), max_size=4)
)
def test_what_was_read_before_changes_nothing(blocks: list[list[dict[str, int | None]]]) -> None:
    schema = pa.schema([*((name, pa.int64()) for name in "abcd"), (uuid4().hex, pa.string())])
    for block in blocks:
        parsed = parse([_record(n, msgspec.json.encode(said)) for n, said in enumerate(block)], schema)
        assert parsed.rows.schema == schema
        assert parsed.rows.to_pylist() == [{name: said.get(name) for name in schema.names} for said in block]


@unhurried
@given(st.lists(st.lists(GOOD | BAD, max_size=4), max_size=8), st.integers(1, 60))
def test_it_is_the_same_however_much_is_read_at_once(lines: list[list[bytes]], size: int) -> None:
    records = [_record(n, b"\n".join(own)) for n, own in enumerate(lines)]
    whole = parse(records, SCHEMA)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clickhouse.sink.lines.CHUNK_BYTES", size)
        pieces = parse(records, SCHEMA)
    assert pieces.rows.to_pylist() == whole.rows.to_pylist()
    assert (pieces.origin.tolist(), pieces.line.tolist()) == (whole.origin.tolist(), whole.line.tolist())
    assert [(bad.record, bad.line) for bad in pieces.bad] == [(bad.record, bad.line) for bad in whole.bad]


def test_what_a_line_lacks_is_the_default_of_the_table() -> None:
    full = {"user_id": "u", "country": "AT", "properties": "{}", "asn": 1, "bot": True, "revenue": 2.5, "sent_at": 1}
    least = {"site_id": "one", "event": "x", "event_id": "c386bbc4-cd61-4e30-98f1-6adf91b7584a", "ts": 1}
    records = [_record(0, b"\n".join(map(msgspec.json.encode, (least | full, least))))]
    parsed = parse(records, EVENTS.schema)
    table = EVENTS.columns(parsed.rows, parsed.origin, records)
    row = table.to_pylist()[1]
    assert {name: row[name] for name in full if name != "revenue"} == {
        **{"user_id": "", "country": "", "properties": "{}", "asn": 0, "bot": False, "sent_at": None}
    }
    assert (row["revenue"], "url" in table.column_names) == (0, False)


@pytest.mark.parametrize("value", [b"null\n", b"null", b"null\nnull\n", b"\n\n", b"  \n", b"", b"\n{}\n"])
def test_lines_that_are_nothing_do_no_harm(value: bytes) -> None:
    parsed = parse([_record(0, b'{"a":1}\n'), _record(1, value), _record(2, b'{"a":2}\n')], SCHEMA)
    kept = [row["a"] for row in parsed.rows.to_pylist() if row["a"] is not None]
    assert kept == [1, 2]
    assert not parsed.bad


def test_a_record_with_a_fault_is_told_of_line_by_line() -> None:
    parsed = parse([_record(0, b'{"a":1}\n{"a":2}\n')._replace(fault="no place"), _record(1, b"{}")], SCHEMA)
    assert [(bad.line, bad.why) for bad in parsed.bad] == [(b'{"a":1}', "no place"), (b'{"a":2}', "no place")]
    assert parsed.rows.num_rows == 1


@unhurried
@given(st.binary(max_size=40))
def test_lines_are_counted_as_they_are_split(value: bytes) -> None:
    assert lines_in(value) == (len(lines_of(value)) if value else 0)


@unhurried
@given(st.lists(st.floats(-1e12, 1e12, allow_nan=False), min_size=1))
def test_money_is_counted_as_the_rollup_counts_it(amounts: list[float]) -> None:
    found = units(np.array(amounts))
    assert found.tolist() == [money.units(amount) for amount in amounts]
    assert [int(each.scaleb(4)) for each in decimals(found, 18).to_pylist()] == found.tolist()
    assert units(np.array([math.nan])).tolist() == [0]


@unhurried
@given(st.integers(0, 4_102_444_800_000))
def test_months_are_those_of_the_time_in_utc(ms: int) -> None:
    month = np.datetime64(ms, "ms").astype(object)
    assert months(np.array([ms])).tolist() == [month.year * 100 + month.month]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, None),
        ({"site_id": None}, "missing"),
        ({"event": None}, "missing"),
        ({"ts": None}, "missing"),
        ({"ts": -1}, "ts is outside"),
        ({"ts": 4_102_444_800_001}, "ts is outside"),
        ({"event_id": "c386bbc44cd6-1e3098f1-6adf91b7584a"}, None),
        ({"event_id": "no uuid"}, "no UUID"),
        ({"event_id": "c386bbc4-cd61-4e30-98f1-6adf91b7584g"}, "no UUID"),
        ({"revenue": 1.1e12}, "revenue is outside"),
    ],
)
def test_what_clickhouse_would_take_wrongly_is_found(change: dict[str, object], why: str | None) -> None:
    line = {"site_id": "one", "event": "x", "event_id": "c386bbc4-cd61-4e30-98f1-6adf91b7584a", "ts": 1, **change}
    parsed = parse([_record(0, msgspec.json.encode(line))], EVENTS.schema)
    found = wrong(parsed.rows, EVENTS.checks)
    assert (why in found[0]) if why else not found


PARTIALS = st.lists(
    st.builds(
        Partial,
        site_id=st.sampled_from(["one", "two"]),
        minute=st.sampled_from([1_790_000_040_000, 1_790_000_100_000]),
        event=st.sampled_from(["a", "größe"]),
        country=st.sampled_from(["", "AT"]),
        events=st.integers(1, 2_000),
        bots=st.integers(0, 5),
        revenue=st.integers(-(10**19), 10**19),
    ),
    min_size=1,
    max_size=12,
)


@unhurried
@given(st.lists(PARTIALS, min_size=1, max_size=5))
def test_partials_add_up_as_the_core_adds_them(batches: list[list[Partial]]) -> None:
    encode = msgspec.json.Encoder().encode_lines
    records = [_record(n, encode(batch)) for n, batch in enumerate(batches)]
    parsed = parse(records, METRICS.schema)
    first, *rows = METRICS.columns(parsed.rows, parsed.origin, records).to_pylist()
    assert (first["site_id"], first["events"]) == ("", 0)
    assert dict(first["_applied"]) == {"log:0:0": records[-1].place.number}
    expected = fold([])
    for partial in (p for batch in batches for p in batch):
        expected = merge(expected, _sums(partial))
    found = {
        (
            r["site_id"],
            int(r["minute"].timestamp() * 1000),
            r["event"],
            r["country"],
            r["device_type"],
            r["currency"],
        ): (
            r["events"],
            r["bots"],
            int(r["revenue"].scaleb(4)),
        )
        for r in rows
    }
    assert found == {tuple(key): tuple(sums) for key, sums in expected.items()}


def _sums(partial: Partial) -> dict[Key, Sums]:
    key = Key(partial.site_id, partial.minute, partial.event, partial.country, partial.device_type, partial.currency)
    return {key: Sums(partial.events, partial.bots, partial.revenue)}


def test_only_what_lies_beyond_is_unstored() -> None:
    records = [_record(n, b"") for n in range(4)]
    stored = {("events", 202611, "log:0"): records[1].place.number}
    origin = np.array([0, 1, 1, 2, 3])
    assert unstored(EVENTS, 202611, origin, records, stored).tolist() == [False, False, False, True, True]
    assert unstored(EVENTS, 202610, origin, records, stored).all()
