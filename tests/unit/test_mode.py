"""What sites keep of visitors: the same at the collector and in the stream, whatever a client sends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json
from msgspec.structs import replace

from api.collector.decode import Incoming
from api.collector.lead.form import read as read_lead
from api.collector.stamp import Receipt, stamp
from api.collector.track.routes import TRACK
from pulse.clock import Bounds
from pulse.event import RawEvent
from pulse.mode import MODES, Mode
from pulse.settings import Settings
from streams.memory import Memory
from streams.modes import Modes
from streams.refinement import refine, steps_of
from tests.unit.streams_events import DAY, LOG, NOW, kept, raw, refused, taken

PAGE = Receipt("shop", NOW, secret=False, ip="203.0.113.9", user_agent="Firefox")
SERVER = replace(PAGE, secret=True)
SETTINGS = Settings(secret="a secret of the tests", networks="no such folder")
SENT: dict[str, Any] = {
    "visitor_id": "v-81",
    "user_id": "ada",
    "session_id": "s-1",
    "fingerprint_id": "f" * 32,
    "screen": "1920x1080",
    "language": "de-AT",
    "timezone": "Europe/Vienna",
    "url": "https://shop.example/a?mail=x",
}
IDS = {"visitor_id", "user_id", "session_id"}
DEVICE = {"fingerprint_id"}
SHOWN = {"screen", "language", "timezone"}
SECURE = {"purpose": "security", "device": {"automation": "webdriver"}}
CONSENTED = {"purpose": "consent", "device": {"automation": "webdriver"}}
STARTED = {"device": {"cores": 8}, "plan": "pro"}
Case = tuple[Mode, str, str | None, dict[str, Any] | None, set[str], dict[str, Any] | None]
CASES: list[Case] = [
    ("standard", "view", None, {"a": 1}, IDS | DEVICE | SHOWN, {"a": 1}),
    ("anonymous", "view", None, {"a": 1}, set(), {"a": 1}),
    ("anonymous", "view", "granted", {"a": 1}, set(), {"a": 1}),
    ("anonymous", "device_signals", "granted", CONSENTED, set(), None),
    ("anonymous", "device_signals", None, SECURE, set(), None),
    ("anonymous", "session_start", None, STARTED, set(), {"plan": "pro"}),
    ("anonymous", "alias", None, {"previous_id": "v-80"}, set(), None),
    ("anonymous", "identify", "granted", {"mail": "ada@example.org"}, set(), None),
    ("consented", "view", None, {"a": 1}, IDS, {"a": 1}),
    ("consented", "view", "denied", {"a": 1}, IDS, {"a": 1}),
    ("consented", "view", "granted", {"a": 1}, IDS | DEVICE | SHOWN, {"a": 1}),
    ("consented", "device_signals", None, SECURE, IDS, None),
    ("consented", "device_signals", "granted", CONSENTED, IDS | DEVICE | SHOWN, CONSENTED),
    ("consented", "session_start", None, STARTED, IDS, {"plan": "pro"}),
    ("consented", "session_start", "granted", STARTED, IDS | DEVICE | SHOWN, STARTED),
    ("security", "view", None, {"a": 1}, IDS, {"a": 1}),
    ("security", "view", "granted", {"a": 1}, IDS | DEVICE | SHOWN, {"a": 1}),
    ("security", "device_signals", None, SECURE, DEVICE, SECURE),
    ("security", "device_signals", None, CONSENTED, set(), None),
    ("security", "device_signals", None, None, set(), None),
    ("security", "device_signals", "denied", SECURE, IDS, None),
    ("security", "device_signals", "granted", CONSENTED, IDS | DEVICE | SHOWN, CONSENTED),
]


def collected(mode: Mode, receipt: Receipt = SERVER, **fields: Any) -> Incoming:
    [event], _, refused = stamp([Incoming(**fields)], [0], replace(receipt, mode=mode), Bounds(), lambda bits: 0)
    assert not refused
    return event


def refined(mode: Mode, **fields: Any) -> dict[str, Any]:
    """What is kept of an event that came past the collector."""
    steps = steps_of(SETTINGS, None, {} if mode == "standard" else {"shop": mode})
    made = refine(taken(raw(ip="203.0.113.9", user_agent="Firefox", **fields)), LOG, Memory(DAY), steps)
    assert made is not None
    [event] = kept(made)
    return event


@pytest.mark.parametrize(("mode", "name", "consent", "properties", "fields", "left"), CASES)
def test_collector_and_stream_each_take_away_what_a_site_does_not_keep(
    mode: Mode, name: str, consent: str | None, properties: Any, fields: set[str], left: Any
) -> None:
    sent = SENT | {"event": name, "consent": consent, "properties": properties}
    event = collected(mode, **sent)
    assert {each for each in IDS | DEVICE | SHOWN if getattr(event, each) is not None} == fields
    assert event.properties == left
    stored = refined(mode, **{key: value for key, value in sent.items() if value is not None})
    told = {each for each in IDS | DEVICE | SHOWN if stored.get(each) == SENT[each]}
    assert told == (fields - DEVICE if consent == "denied" else fields)
    assert json.decode(stored.get("properties", "null")) == left
    is_derived = "visitor_id" not in fields
    assert (stored["visitor_id"] == "v-81", len(stored["visitor_id"])) == (not is_derived, 32 if is_derived else 4)


def test_signals_for_security_are_tied_to_no_address_of_a_person() -> None:
    event = collected("security", **SENT, event="device_signals", referrer="https://x.example/?q", properties=SECURE)
    assert (event.url, event.referrer) == ("https://shop.example/a", None)
    more = {"title": "Ada", "utm_source": "mail", "utm_content": "ada"}
    for url in ("https://shop.example/a#mail=x?b", "https://shop.example/a?b#c", "https://shop.example/a#c"):
        event = collected("security", **SENT | more | {"url": url}, event="device_signals", properties=SECURE)
        assert (event.url, event.title, event.utm_source, event.utm_content) == ("https://shop.example/a", *[None] * 3)


def test_signals_for_security_are_not_those_of_the_visitor_who_is_derived() -> None:
    mode: Mode = "security"
    signals = {"event": "device_signals", "fingerprint_id": "f" * 32, "properties": SECURE}
    view, first, second = (refined(mode, event="view"), refined(mode, **signals), refined(mode, **signals))
    assert first["fingerprint_id"] == "f" * 32
    assert first["visitor_id"] == second["visitor_id"] != view["visitor_id"]
    agreed = refined(mode, **signals | {"consent": "granted"})
    assert agreed["visitor_id"] == view["visitor_id"]


@pytest.mark.parametrize("faulty", [{"ts": NOW - 40 * DAY}, {"properties": {f"p{n}": n for n in range(300)}}])
def test_a_refused_line_keeps_no_more_than_its_site_does(faulty: dict[str, Any]) -> None:
    sent = raw(**SENT | {"event": "identify", "properties": {"mail": "ada@example.org"}} | faulty)
    for mode, hidden in (("standard", ()), ("anonymous", ("v-81", "ada", "s-1", "f" * 32, "1920x1080", "Vienna"))):
        steps = steps_of(SETTINGS, None, {} if mode == "standard" else {"shop": mode})
        made = refine(taken(sent), LOG, Memory(DAY), steps)
        assert made is not None
        [line] = refused(made)
        assert (line["site_id"], json.decode(line["line"])["event"]) == ("shop", "identify")
        assert [each for each in hidden if each in line["line"]] == []
        assert hidden or '"v-81"' in line["line"]


def test_of_a_line_that_cannot_be_read_nothing_is_kept_where_its_site_has_a_mode() -> None:
    line = json.encode(raw(**SENT) | {"ts": "yesterday"})
    for modes, kept_of_it in (({}, True), ({"shop": "consented"}, False)):
        made = refine(taken(line), LOG, Memory(DAY), steps_of(SETTINGS, None, modes))
        assert made is not None
        [told] = refused(made)
        assert (told["site_id"], told["reason"], "v-81" in told.get("line", "")) == ("shop", "invalid", kept_of_it)


def test_a_mode_that_is_not_known_keeps_the_least() -> None:
    modes = Modes(SETTINGS)
    try:
        for value, mode in (
            (b'{"mode": "security"}', "security"),
            (b'{"mode": "strict"}', "anonymous"),
            (b'{"mode": "standard"}', None),
            (b'{"mode": 7}', "anonymous"),
            (b"", None),
            (b"{", "anonymous"),
            (b"{}", None),
        ):
            modes._note("shop", value)
            assert modes.of.get("shop") == mode
    finally:
        modes.close()


def test_without_leave_the_time_zone_and_the_signals_are_not_judged_either() -> None:
    sent: dict[str, Any] = SENT | {"event": "device_signals", "consent": "granted", "properties": CONSENTED}
    assert "BOT_WEBDRIVER" in refined("standard", **sent)["risk_reasons"]
    assert (
        "risk_reasons" not in refined("anonymous", **sent) or "BOT" not in refined("anonymous", **sent)["risk_reasons"]
    )


@given(
    mode=st.sampled_from([each for each in MODES if each != "standard"]),
    name=st.sampled_from(["view", "device_signals", "session_start", "identify", "alias"]),
    consent=st.sampled_from([None, "granted", "denied"]),
    properties=st.sampled_from([None, {}, SECURE, CONSENTED, STARTED]),
)
def test_a_mode_never_keeps_more_than_the_usual_one_and_once_is_enough(
    mode: Mode, name: str, consent: Any, properties: Any
) -> None:
    sent: dict[str, Any] = SENT | {"event": name, "consent": consent, "properties": properties}
    once, usual = collected(mode, **sent), collected("standard", **sent)
    twice = collected(mode, **{each: getattr(once, each) for each in sent})
    for each in sent:
        assert getattr(once, each) in (getattr(usual, each), None) or each in ("url", "properties")
        assert getattr(once, each) == getattr(twice, each)
    assert (once.properties or {}).items() <= (properties or {}).items()
    if mode != "anonymous" and consent == "granted":
        assert all(getattr(once, each) == getattr(usual, each) for each in sent)


def test_a_lead_of_an_anonymous_site_is_tied_to_no_session() -> None:
    body = json.encode({"email": "ada@example.org", "session_id": "s-1", "visitor_id": "v-81", "consent": "granted"})
    for mode, session in (("standard", "s-1"), ("consented", "s-1"), ("anonymous", "")):
        sent = read_lead(body, False, replace(PAGE, mode=mode), lambda bits: 0)
        assert sent.lead is not None
        assert (sent.lead.session, sent.lead.visitor, sent.lead.is_linked) == (
            session,
            "v-81" if session else "",
            bool(session),
        )


def test_a_session_that_begins_tells_a_name_that_does_not_follow_from_the_device() -> None:
    body = json.encode({"fingerprint_id": "f", "page": "/", "visitor_id": "mine", "device_info": {"platform": "Win32"}})
    nameless = json.encode({"fingerprint_id": "f", "page": "/"})
    form = TRACK["/track/session/start"]
    for mode, own in (("standard", "mine"), ("consented", "mine"), ("anonymous", "")):
        for sent, name in ((body, own), (nameless, "")):
            made = form.read(sent, False, replace(PAGE, mode=mode), lambda bits: 1)
            answer = json.decode(made.kept(1, ()))
            event: RawEvent = made.decoded.events[0]
            assert event.visitor_id == answer["visitor_id"]
            assert (event.fingerprint_id is None, "device" in (event.properties or {})) == (
                mode != "standard",
                mode == "standard",
            )
            if name or mode == "standard":
                assert answer["visitor_id"] == name or mode == "standard"
            else:
                assert len(answer["visitor_id"]) == 36
                assert answer["device_id"] != "f"
