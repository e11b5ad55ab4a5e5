"""What session trackers tell, read: whatever it is, an answer and never a failure, and text stays text."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from api.collector.answer import Problem
from api.collector.flood import Floods
from api.collector.judge import judge
from api.collector.stamp import Receipt
from api.collector.track.routes import TRACK
from pulse.clock import Bounds

NOW = 1_763_640_000_000
PAGE = Receipt("shop", NOW, secret=False, ip="203.0.113.9", user_agent="Safari")

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
FIELDS = st.sampled_from(
    ["session_id", "fingerprint_id", "page", "event_type", "timestamp", "events", "metadata", "screen", "x", "width"]
)
BODIES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS | st.text(), inner, max_size=6)
)

EVIL = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><script>alert(1)</script>',
    "'-alert(1)-'",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<body onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "\\u003cscript\\u003ealert(1)",
    "</title><script>alert(1)</script>",
    "<math><mtext></form><form><mglyph><style></math>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "'; DROP TABLE events; --",
    "\u2028alert(1)\u2029",
]


def lines(path: str, body: bytes) -> list[dict[str, Any]]:
    """The lines of the log that a body becomes."""
    form = TRACK[path]
    decoded, kept, _ = form.read(body, False, PAGE, random.getrandbits)
    judged = judge(decoded, PAGE, Bounds(), random.getrandbits, 1, Floods(0, 0), 0.0)
    json.decode(kept(judged.accepted, judged.refused))
    return [json.decode(line) for share in judged.shares.values() for line in share]


def status(path: str, body: bytes) -> int:
    """How a body is answered."""
    try:
        lines(path, body)
    except Problem as told:
        return told.status
    return TRACK[path].status


@pytest.mark.parametrize("path", TRACK)
@given(body=BODIES)
@settings(max_examples=40)
def test_every_body_becomes_events_or_a_problem(path: str, body: Any) -> None:
    assert status(path, json.encode(body)) in (200, 400)


@given(st.binary())
def test_what_is_no_json_is_a_problem_too(body: bytes) -> None:
    assert {status(path, body + b"\x00") for path in TRACK} == {400}


@pytest.mark.parametrize("evil", EVIL)
def test_what_would_be_script_elsewhere_stays_the_text_that_it_is(evil: str) -> None:
    start = {"fingerprint_id": evil, "page": evil, "referrer": evil}
    (event,) = lines("/track/session/start", json.encode(start))
    assert (event["fingerprint_id"], event["url"], event["referrer"]) == (evil, evil, evil)
    happened = {"session_id": "s", "event_type": evil, "element": evil, "metadata": {evil: [evil]}}
    (event,) = lines("/track/event", json.encode(happened))
    assert (event["event"], event["properties"]) == (evil, {evil: [evil], "element": evil})


def test_an_event_keeps_its_time_and_id_and_a_batch_names_whose_it_is() -> None:
    event_id = "0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee"
    told = {"event_type": "click", "event_id": event_id, "timestamp": NOW - 5_000}
    body = {"session_id": "s", "visitor_id": "v", "events": [told, {"event_type": "x", "session_id": "own"}]}
    first, second = lines("/track/events/batch", json.encode(body))
    assert (first["event_id"], first["ts"], first["session_id"]) == (event_id, NOW - 5_000, "s")
    assert (second["ts"], second["session_id"], second["visitor_id"]) == (NOW, "own", "v")
