"""Decoding a raw record: good lines go on whatever stands beside them, and each bad one has its reason."""

import json as plain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from pulse.event import MAX_EVENT_BYTES
from streams.decode import LINE_KEPT, MAX_RAW_BYTES
from tests.unit.streams_events import ID, decoded, kept, raw, refined, refusal, refused

DEEP = b'{"event":"a","site_id":"shop","x":' + b"[" * 5000 + b"]" * 5000 + b"}"


@pytest.mark.parametrize(
    ("line", "reason", "field"),
    [
        (b"no json", "malformed", ""),
        (b'{"event":"a"', "malformed", ""),
        (b'{"event":"a"} x', "malformed", ""),
        (b'{"event":"\xff"}', "malformed", ""),
        (b'{"event":"\\ud800"}', "malformed", ""),
        (b"\x00\x01\x02", "malformed", ""),
        (DEEP, "malformed", ""),
        (b"[]", "invalid", ""),
        (b"5", "invalid", ""),
        (b"null", "invalid", ""),
        (b"{}", "invalid", "event"),
        (b'{"event":""}', "invalid", "event"),
        (b'{"event":5}', "invalid", "event"),
        (b'{"event":"a","event_id":"x"}', "invalid", "event_id"),
        (b'{"event":"a","ts":"yesterday"}', "invalid", "ts"),
        (b'{"event":"a","ts":1e400}', "invalid", "ts"),
        (b'{"event":"a","ts":99999999999999999999999}', "invalid", "ts"),
        (b'{"event":"a","revenue":"5"}', "invalid", "revenue"),
        (b'{"event":"a","consent":"maybe"}', "invalid", "consent"),
        (b'{"event":"' + b"e" * 201 + b'"}', "invalid", "event"),
    ],
)
def test_each_bad_line_has_its_reason(line: bytes, reason: str, field: str) -> None:
    assert refusal(line) == (reason, field)


def test_too_large_an_event_is_refused_even_if_it_is_good() -> None:
    large = raw(properties={"text": "x" * MAX_EVENT_BYTES})
    assert refusal(large) == ("too_large", "")


def test_a_refused_line_is_kept_with_what_it_tells_of_itself() -> None:
    made = refined(raw(event=5, event_id=ID.format(5), received_at=17, title="x" * 9000))
    [line] = refused(made)
    assert (line["site_id"], line["event_id"], line["received_at"]) == ("shop", ID.format(5), 17)
    assert line["line"].startswith('{"event":5')
    assert len(line["line"]) == LINE_KEPT


@pytest.mark.parametrize(
    ("ip", "kept"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:7:1::5", "2001:db8:7::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("not one", ""),
        ("203.0.113.77" + " " * 5000, ""),
    ],
)
def test_a_refused_line_has_its_address_cut_to_the_network(ip: str, kept: str) -> None:
    good, bad = raw(event_id=ID.format(1), ip="203.0.113.77", ts=17), raw(event=5, ip=ip)
    for line in refused(refined(good, bad, b'{"ip" : "203.0.113.77", broken')):
        assert "203.0.113.77" not in line["line"]
    [line] = refused(refined(bad))
    assert f'"ip":"{kept}' in line["line"]


def test_a_refused_line_tells_nothing_of_the_device() -> None:
    agent = 'Mozilla/5.0 "odd" \\ (X11)'
    signals = {"purpose": "security", "device": {"canvas": "0f3a"}}
    lines = [
        raw(event=5, user_agent=agent, client_hints=agent, fingerprint_id="f-1", title="kept"),
        raw(
            event="device_signals",
            ts="x",
            user_agent=agent,
            client_hints=agent,
            fingerprint_id="f-1",
            properties=signals,
            title="kept",
        ),
    ]
    for line in refused(refined(*lines)):
        assert not [word for word in ("Mozilla", "odd", "X11", "f-1", "0f3a") if word in line["line"]]
        assert "shop" in line["line"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    [line] = refused(refined(b'{"event":"\xff\xfe"}'))
    assert line["line"] == '{"event":"\ufffd\ufffd"}'


def test_a_bad_line_does_not_touch_its_neighbours() -> None:
    good = [raw(event_id=ID.format(i)) for i in range(4)]
    made = refined(good[0], b"broken", good[1], b"", b"  ", good[2], b'{"event":1}', good[3])
    assert [event["event_id"] for event in kept(made)] == [event["event_id"] for event in good]
    assert [(line["reason"], line.get("index", 0)) for line in refused(made)] == [("malformed", 1), ("invalid", 4)]
    assert made.reasons == {"malformed": 1, "invalid": 1}


@pytest.mark.parametrize("value", [b"", b"\n", b"\n\n \n"])
def test_an_empty_record_gives_nothing(value: bytes) -> None:
    found = decoded(value)
    assert (found.events, found.refused) == ([], [])


@given(st.lists(st.binary(max_size=60) | st.just(b'{"event":"a","site_id":"shop"}'), max_size=6))
def test_any_bytes_are_either_events_or_refused(lines: list[bytes]) -> None:
    found = decoded(b"\n".join(lines))
    filled = [line for line in b"\n".join(lines).split(b"\n") if line.strip()]
    assert len(found.events) + len(found.refused) == len(filled)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda some: st.lists(some) | st.dictionaries(st.text(), some),
    )
)
def test_any_json_is_either_an_event_or_refused(value: object) -> None:
    made = refined(
        plain.dumps(value).encode(), plain.dumps({"event": value, "site_id": value, "properties": value}).encode()
    )
    assert made.kept + sum(made.reasons.values()) == made.taken == 2


@pytest.mark.parametrize(("levels", "field"), [(32, None), (33, "properties"), (300, "properties")])
def test_properties_nest_as_deeply_as_the_contract_says(levels: int, field: str | None) -> None:
    line = b'{"event":"a","site_id":"shop","properties":' + b'{"p":' * levels + b'"[[{"' + b"}" * levels + b"}"
    if field is None:
        assert len(kept(refined(line))) == 1
    else:
        assert refusal(line) == ("invalid", field)


def test_a_record_beyond_what_places_can_number_is_refused_as_one() -> None:
    found = decoded(b'{"event":"a","site_id":"shop"}\n' * (MAX_RAW_BYTES // 31 + 1))
    assert found.events == []
    assert [line.reason for line in found.refused] == ["too_large"]


PARTS = st.sampled_from(
    [
        '"event_id":"0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee"',
        '"event_id":"0199C0DE-7A1C-7D3E-9A77-3B1F00C0FFEE"',
        '"event_id":"0199c0de-7a1c-7d3e-9a77-3b1f00c0ffeg"',
        '"event_id":"none"',
        '"event_id":null',
        '"\\u0065vent_id":"none"',
        '"properties":{"event_id":"none"}',
        '"country":"DEU"',
        '"host":5',
        '"title":"t"',
    ]
)
LINES = st.lists(PARTS, max_size=4).map(
    lambda parts: ("{" + ",".join(['"event":"a"', '"site_id":"shop"', *parts]) + "}").encode()
)


@given(st.lists(LINES, min_size=1, max_size=4))
def test_together_and_alone_the_same_comes_of_a_line(lines: list[bytes]) -> None:
    together, alone = decoded(b"\n".join([*lines, b""])), [decoded(line + b"\n\nbroken") for line in lines]
    assert [encode(event) for event in together.events] == [encode(e) for each in alone for e in each.events]
    assert [r.detail for r in together.refused] == [each.refused[0].detail for each in alone if not each.events]
    assert [*together.indexes] == [index for index, each in enumerate(alone) if each.events]
    assert [*together.lines] == [lines[index] for index in together.indexes]
