"""From bodies to events: every form, and every way of being none."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from api.collector.answer import Problem
from api.collector.decode import COUNTED_BEYOND, Decoded, decode
from pulse.event import MAX_EVENTS_PER_REQUEST
from pulse.rejection import Reason

GOOD = {"event": "page_view", "visitor_id": "v", "properties": {"plan": "pro"}}


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def lines(*values: Any) -> bytes:
    return b"\n".join(body(value) for value in values)


FORMS = {
    "one": (body(GOOD), False, 1),
    "array": (body([GOOD, GOOD]), False, 2),
    "envelope": (body({"events": [GOOD] * 3}), False, 3),
    "ndjson": (lines(GOOD, GOOD), True, 2),
    "ndjson, not said": (lines(GOOD, GOOD), False, 2),
    "ndjson with blank lines and CRLF": (b"\r\n\r\n" + body(GOOD) + b"\r\n\n" + body(GOOD) + b"\n", True, 2),
    "spaces before": (b" \n\t" + body([GOOD]), False, 1),
    "byte order mark": (b"\xef\xbb\xbf" + body(GOOD), False, 1),
    "pretty-printed": (json.dumps(GOOD, indent=2).encode(), False, 1),
    "an event whose properties speak of events": (body({"event": "e", "properties": {"events": [1]}}), False, 1),
    "an event with a stray member events": (body({"event": "e", "events": 3}), False, 1),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_its_events(form: str) -> None:
    sent, as_lines, count = FORMS[form]
    decoded = decode(sent, as_lines)
    assert [event.event for event in decoded.events] == ["page_view"] * count or decoded.events[0].event == "e"
    assert list(decoded.indexes) == list(range(count))
    assert decoded.refused == []


@pytest.mark.parametrize("as_lines", [False, True])
def test_a_bad_event_does_not_keep_back_the_others(as_lines: bool) -> None:
    values: list[Any] = [GOOD, {"event": 1, "event_id": "mine"}, GOOD, 7, {"title": "x"}]
    decoded = decode(lines(*values) if as_lines else body(values), as_lines)
    assert list(decoded.indexes) == [0, 2]
    assert [(r.index, r.reason, r.field, r.event_id) for r in decoded.refused] == [
        (1, Reason.invalid, "event", "mine"),
        (3, Reason.invalid, None, None),
        (4, Reason.invalid, "event", None),
    ]


def test_the_envelope_brings_its_time_also_where_an_event_is_bad() -> None:
    assert decode(body({"events": [GOOD], "sent_at": 5}), False).sent_at == 5
    assert decode(body({"events": [GOOD, {}], "sent_at": 6}), False).sent_at == 6


@pytest.mark.parametrize(
    ("event", "field", "reason"),
    [
        ({"event": ""}, "event", Reason.invalid),
        ({"event": "x" * 201}, "event", Reason.invalid),
        ({"event": None}, "event", Reason.invalid),
        ({"event": "e", "event_id": "no uuid"}, "event_id", Reason.invalid),
        ({"event": "e", "ts": "yesterday"}, "ts", Reason.invalid),
        ({"event": "e", "ts": -1}, "ts", Reason.invalid),
        ({"event": "e", "event_id": "0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee\n"}, "event_id", Reason.invalid),
        ({"event": "e", "country": "DEU"}, "country", Reason.invalid),
        ({"event": "e", "country": "DE\n"}, "country", Reason.invalid),
        ({"event": "e", "revenue": "9"}, "revenue", Reason.invalid),
        ({"event": "e", "consent": "maybe"}, "consent", Reason.invalid),
        ({"event": "e", "url": "u" * 4097}, "url", Reason.invalid),
        ({"event": "e", "properties": [1]}, "properties", Reason.invalid),
        ({"event": "e", "properties": {"n" * 201: 1}}, "properties", Reason.too_many_properties),
        (
            {"event": "e", "properties": dict.fromkeys(map(str, range(256)), 1)},
            "properties",
            Reason.too_many_properties,
        ),
    ],
)
def test_a_refusal_names_field_and_reason(event: dict[str, Any], field: str, reason: Reason) -> None:
    refused = decode(body(event), False).refused[0]
    assert (refused.field, refused.reason) == (field, reason)
    assert refused.detail


def test_limits_themselves_are_taken() -> None:
    event = {"event": "x" * 200, "properties": {**dict.fromkeys(map(str, range(254)), 1), "n" * 200: 1}}
    assert decode(body(event), False).refused == []


@pytest.mark.parametrize(
    ("sent", "status", "name"),
    [
        (b"", 400, "empty"),
        (b" \n ", 400, "empty"),
        (b"[]", 400, "empty"),
        (b'{"events":[]}', 400, "empty"),
        (b"[1,", 400, "malformed"),
        (b"nul", 400, "malformed"),
        (b"\xff\xfe\x00", 400, "malformed"),
        (b"[" * 200_000, 400, "malformed"),
        (b'{"other":' + b'{"a":' * 200_000, 400, "malformed"),
        (b'{"events":{}}', 400, "invalid"),
        (b'{"events":[{"event":"e"}],"sent_at":"soon"}', 400, "invalid"),
        (b'{"events":[{"event":"e"}],"sent_at":1e999}', 400, "invalid"),
        (body([GOOD] * (MAX_EVENTS_PER_REQUEST + 1)), 413, "too_many_events"),
        (b"[" + b"1," * 3_000_000 + b"1]", 413, "too_many_events"),
        (b'{"events":[' + b'{"event":"e"},' * 200_000 + b"1]}", 413, "too_many_events"),
    ],
)
def test_a_body_that_holds_no_events_is_a_problem(sent: bytes, status: int, name: str) -> None:
    with pytest.raises(Problem) as told:
        decode(sent, False)
    assert (told.value.status, told.value.name) == (status, name)


def test_too_many_lines_are_a_problem() -> None:
    with pytest.raises(Problem) as told:
        decode(b"1\n" * 3_000_000, True)
    assert told.value.status == 413


def test_as_many_events_as_allowed_are_taken_in_every_form() -> None:
    most = [GOOD] * MAX_EVENTS_PER_REQUEST
    large = [GOOD | {"title": "t" * 600}] * MAX_EVENTS_PER_REQUEST
    assert len(body(large)) > COUNTED_BEYOND
    for values in (most, large):
        assert len(decode(body(values), False).events) == MAX_EVENTS_PER_REQUEST
        assert len(decode(body({"events": values}), False).events) == MAX_EVENTS_PER_REQUEST
        assert len(decode(b"\n\n".join(map(body, values)), True).events) == MAX_EVENTS_PER_REQUEST


def test_half_an_emoji_costs_its_event_alone() -> None:
    half = b'{"event":"b","event_id":"0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee","title":"\\ud83d"}'
    sent = b'[{"event":"a"},' + half + b',{"event":"\\\\ud83d"},{"event":"\\ud83d\\ude00"}]'
    for as_lines, form in ((False, sent), (True, sent[1:-1].replace(b"},{", b"}\n{"))):
        decoded = decode(form, as_lines)
        assert [event.event for event in decoded.events] == ["a", "\\ud83d", "\U0001f600"]
        told = [(r.index, r.reason, r.event_id) for r in decoded.refused]
        assert told == [(1, Reason.malformed, "0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee")]


def test_text_that_is_no_utf_8_costs_its_event_alone() -> None:
    decoded = decode(b'[{"event":"a"},{"event":"\xff"}]', False)
    assert len(decoded.events) == 1
    assert decoded.refused[0].reason == Reason.malformed


def test_the_last_of_two_equal_names_counts() -> None:
    assert decode(b'{"event":"a","event":"b"}', False).events[0].event == "b"
    good, bad = b'"event_id":"0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee"', b'"event_id":"none"'
    for event, is_good in ((b",".join([bad, good]), True), (b",".join([good, bad]), False)):
        for form in (b'{"event":"a",%b}', b'[{"event":"a",%b}]', b'[{"event":"a",%b},{"event":"b"},1]'):
            assert (0 in decode(form % event, False).indexes) == is_good


names = st.sampled_from(["event", "event_id", "ts", "sent_at", "site_id", "received_at", "revenue", "properties"])


def outcome(sent: bytes, as_lines: bool) -> Decoded | Problem:
    try:
        return decode(sent, as_lines)
    except Problem as told:
        return told


def values(floats: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    simple = st.none() | st.booleans() | st.integers() | floats | st.text(max_size=20)
    return st.recursive(
        simple,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
        max_leaves=20,
    )


def near_events(floats: st.SearchStrategy[float]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(names, values(floats), max_size=9)


ANY = st.floats()
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.binary(max_size=300) | st.lists(near_events(ANY) | values(ANY), max_size=5).map(body), st.booleans())
def test_any_body_gives_each_of_its_events_or_a_problem(sent: bytes, as_lines: bool) -> None:
    decoded = outcome(sent, as_lines)
    if isinstance(decoded, Problem):
        assert decoded.status in (400, 413)
        return
    told_of = sorted([*decoded.indexes, *(refused.index for refused in decoded.refused)])
    assert told_of == list(range(len(told_of)))
    assert len(decoded.indexes) == len(decoded.events)


@given(st.lists(near_events(FINITE), min_size=1, max_size=5))
def test_what_becomes_of_an_event_does_not_hang_on_its_neighbours(sent: list[dict[str, Any]]) -> None:
    together = decode(body(sent), False)
    alone = [not decode(body(event), False).refused for event in sent]
    assert [index in together.indexes for index in range(len(sent))] == alone


PARTS = st.sampled_from(
    [
        '"event_id":"0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee"',
        '"event_id":"0199C0DE-7A1C-7D3E-9A77-3B1F00C0FFEE"',
        '"event_id":"0199c0de-7a1c-7d3e-9a77-3b1f00c0ffe"',
        '"event_id":"0199c0de-7a1c-7d3e-9a77-3b1f00c0ffeg"',
        '"event_id":null',
        '"event\\u005fid":"none"',
        '"\\u0065vent_id":"0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee"',
        '"properties":{"event_id":"none"}',
        '"country":"DE"',
        '"country":"D\\u00fc"',
        '"title":"t"',
    ]
)
LIKELY = st.lists(PARTS, max_size=4).map(lambda parts: ("{" + ",".join(['"event":"e"', *parts]) + "}").encode())


@given(st.lists(LIKELY, min_size=1, max_size=4))
def test_together_and_alone_the_same_comes_of_an_event(sent: list[bytes]) -> None:
    alone = [decode(event, False) for event in sent]
    events = [encode(event) for each in alone for event in each.events]
    refused = [replace(r, index=index) for index, each in enumerate(alone) for r in each.refused]
    array = b"[" + b",".join(sent) + b"]"
    for form, as_lines in ((array, False), (b'{"events":' + array + b"}", False), (b"\n".join(sent), True)):
        together = decode(form, as_lines)
        assert [encode(event) for event in together.events] == events
        assert together.refused == refused
