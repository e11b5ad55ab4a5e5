"""Events taken through the steps together come out as those taken one by one, and are refused as these are."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.refinement import prepare
from streams.steps.step import Arrival, Step
from tests.unit.streams_events import CHROME, DAY, ID, LOG, NOW, STEPS, raw, taken


def alone(step: Step) -> Step:
    """A step that knows nothing of many."""
    return lambda event, arrival: step(event, arrival)


HINTS = '"Chromium";v="131", "Brave";v="131", "Not_A Brand";v="24"|?0|"Windows"'
ONE_BY_ONE = tuple(map(alone, STEPS))
MOMENTS = st.sampled_from(
    (None, 0, NOW, NOW - 40_000, NOW + 40_000, NOW + DAY, NOW - 30 * DAY, NOW - 0.5, "2027-01-15T08:00:00Z")
)
PROPERTIES: st.SearchStrategy[Any] = st.sampled_from(
    (None, {}, {"a": 1}, {"ä": "ö"}, {"t": "x" * 70}, {"n" * 201: 1}, {"purpose": "consent", "device": {}}, 5, [])
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "event": st.sampled_from(("page_view", "device_signals", "buy")),
    "event_id": st.sampled_from((None, ID.format(1), ID.format(2).upper(), "00000000-0000-0000-0000-000000000000")),
    "site_id": st.sampled_from(("shop", "other", "", "No Site")),
    "received_at": st.sampled_from((0, NOW, NOW - 1, NOW + DAY)),
    "ts": MOMENTS,
    "sent_at": MOMENTS,
    "imported": st.booleans(),
    "visitor_id": st.sampled_from((None, "", "v1")),
    "user_agent": st.sampled_from((None, "", CHROME)),
    "ip": st.sampled_from((None, "203.0.113.7", "none")),
    "consent": st.sampled_from((None, "granted", "denied")),
    "fingerprint_id": st.sampled_from((None, "f1")),
    "currency": st.sampled_from((None, "eur", "")),
    "revenue": st.sampled_from((None, 1.5)),
    "url": st.sampled_from(
        (None, "", "//[", "https://www.shop.example/a", "https://shop.example/?utm_source=x&gclid=1", "/b?ref=y")
    ),
    "referrer": st.sampled_from(
        (None, "", "//[", "https://shop.example/b", "https://www.google.com/", "https://t.co/")
    ),
    "utm_source": st.sampled_from((None, "", "newsletter")),
    "utm_medium": st.sampled_from((None, "cpc")),
    "utm_campaign": st.sampled_from((None, "spring")),
    "properties": PROPERTIES,
    "clock": st.sampled_from(("", "future")),
    "risk": st.sampled_from((0, 7)),
    "risk_vpn": st.sampled_from((0, 7)),
    "bot": st.booleans(),
    "as_org": st.sampled_from(("", "Sent")),
    "client_hints": st.sampled_from((None, HINTS)),
    "timezone": st.sampled_from((None, "Europe/Vienna")),
    "browser": st.sampled_from((None, "Own")),
}
USUAL = {"site_id": "shop", "received_at": NOW, "ts": NOW, "imported": False, "sent_at": None, "properties": {"a": 1}}
ODD = st.fixed_dictionaries({}, optional=FIELDS).map(lambda some: raw(**some))
PLAIN = st.fixed_dictionaries({}, optional=FIELDS).map(lambda some: raw(**(some | USUAL)))


def outcome(events: Sequence[dict[str, Any] | bytes], steps: Sequence[Step]) -> tuple[Any, ...]:
    made = prepare(taken(*events), LOG, steps)
    met = [each.number for each in made.met]
    return b"".join(made.texts), made.digests, made.tally.counted(), made.refusals, met


@settings(max_examples=200)
@given(st.lists(PLAIN, max_size=6))
def test_events_that_pass_come_out_the_same(events: list[dict[str, Any]]) -> None:
    assert outcome(events, STEPS) == outcome(events, ONE_BY_ONE)


@settings(max_examples=200)
@given(st.lists(st.one_of(ODD, st.just(b"broken"), st.just(b' {"event":"a"}\r'), st.just(b"  ")), max_size=6))
def test_events_of_which_some_are_refused_come_out_the_same(events: list[dict[str, Any] | bytes]) -> None:
    assert outcome(events, STEPS) == outcome(events, ONE_BY_ONE)


@pytest.mark.parametrize("at", [0, 63, 64, 149])
def test_what_is_refused_among_many_keeps_its_place(at: int) -> None:
    events = [raw(event_id=None if n % 2 else ID.format(n)) for n in range(150)]
    events[at] = raw(ts=NOW - 30 * DAY)
    text, *_, refusals, _ = outcome(events, STEPS)
    assert text == outcome(events, ONE_BY_ONE)[0]
    assert [(each.reason, each.index) for each in refusals] == [("too_old", at)]


def test_a_step_that_fails_over_many_is_taken_one_by_one() -> None:
    def put_twice(event: Any, arrival: Arrival) -> None:
        """Fails where it is given an event that it has had, so that events must be decoded anew."""
        if event.title is not None:
            raise ZeroDivisionError
        event.title = "had"

    made = prepare(taken(raw(), raw(event="bad", title="sent"), raw()), LOG, (*STEPS, put_twice))
    assert [(each.reason, each.index) for each in made.refusals] == [("unexpected", 1)]
    assert len(made.digests) == 2
