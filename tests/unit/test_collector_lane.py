"""Lanes: what yields goes apart from the rest, and nothing is lost, doubled or put out of order by that."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from api.collector.decode import decode
from api.collector.flood import Floods
from api.collector.judge import Judged, judge
from api.collector.lane import OLD_MS, Reason, is_asked
from api.collector.stamp import Receipt
from pulse.clock import Bounds
from pulse.event import MAX_EVENT_BYTES

NOW = 1_763_640_000_000
SERVER = Receipt("shop", NOW, secret=True)
IMPORT = Receipt("shop", NOW, secret=True, imports=True)
ASKED = Receipt("shop", NOW, secret=True, yields=True)
PARTITIONS = 3


def judged(events: list[dict[str, Any]], receipt: Receipt = SERVER, floods: Floods | None = None) -> Judged:
    floods = floods or Floods(200, 0)
    return judge(decode(json.encode(events), False), receipt, Bounds(), random.getrandbits, PARTITIONS, floods, 0.0)


def ids(shares: dict[int, list[bytes]]) -> list[str]:
    return [json.decode(line)["event"] for partition in sorted(shares) for line in shares[partition]]


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {"event": name, "visitor_id": "v", "ts": NOW, **fields}


@pytest.mark.parametrize("receipt", [SERVER, IMPORT])
def test_what_is_new_yields_to_nobody_whatever_its_key_may(receipt: Receipt) -> None:
    found = judged([event("a"), event("b", ts=NOW - OLD_MS)], receipt)
    assert (ids(found.shares), found.slow, found.yielding) == (["a", "b"], {}, {})


def test_what_an_importing_key_sends_of_long_ago_yields_and_what_it_sends_of_now_does_not() -> None:
    found = judged([event("old", ts=NOW - OLD_MS - 1), event("new"), event("older", ts=0)], IMPORT)
    assert ids(found.shares) == ["new"]
    assert ids(found.slow) == ["old", "older"]
    assert (found.accepted, found.yielding) == (3, {Reason.OLD: 2})


def test_a_visitors_late_events_do_not_yield() -> None:
    assert not judged([event("late", ts=NOW - 5 * OLD_MS)]).slow


def test_a_request_that_asks_to_yield_does_so_as_a_whole() -> None:
    found = judged([event("a"), event("b")], ASKED)
    assert (found.shares, ids(found.slow), found.yielding) == ({}, ["a", "b"], {Reason.ASKED: 2})


@pytest.mark.parametrize(("value", "asked"), [(b"slow", True), (b" SLOW ", True), (b"live", False), (b"", False)])
def test_it_is_asked_by_a_header(value: bytes, asked: bool) -> None:
    assert is_asked({b"pulse-lane": value}) is asked
    assert not is_asked({})


class Flooding(Floods):
    """Floods of which it is known who they are."""

    def __init__(self, visitors: set[str], site: bool = False) -> None:
        super().__init__(1, 1)
        self._known = visitors, site

    def visitors(self, *_: Any) -> set[str]:
        return self._known[0]

    def is_site(self, *_: Any) -> bool:
        return self._known[1]


def test_a_flooding_visitors_events_yield_and_those_of_others_do_not() -> None:
    some = [event("a"), event("b", visitor_id="bot"), event("c"), event("d", visitor_id="bot")]
    found = judged(some, floods=Flooding({"bot"}))
    assert sorted(ids(found.shares)) == ["a", "c"]
    assert (ids(found.slow), found.yielding) == (["b", "d"], {Reason.VISITOR: 2})
    assert judged(some, floods=Flooding(set(), site=True)).yielding == {Reason.SITE: 4}


def test_an_event_that_yields_is_refused_like_any_other() -> None:
    large = event("large", properties={"p": "x" * MAX_EVENT_BYTES})
    found = judged([event("a"), large, event("b", ts=-1)], ASKED)
    assert {each.index: each.reason.value for each in found.refused} == {1: "too_large", 2: "invalid"}
    assert (found.accepted, found.yielding) == (1, {Reason.ASKED: 1})


events = st.lists(
    st.tuples(st.sampled_from(["v", "w", "bot", "mob", None]), st.sampled_from([0, OLD_MS, OLD_MS + 1, 5 * OLD_MS])),
    min_size=1,
    max_size=30,
)


@settings(deadline=None)
@given(events, st.sampled_from([SERVER, IMPORT, ASKED]), st.sets(st.sampled_from(["bot", "mob", "v"])))
def test_laws_of_lanes(some: list[tuple[str | None, int]], receipt: Receipt, flooding: set[str]) -> None:
    sent = [event(f"{n:03}", visitor_id=own, ts=NOW - age) for n, (own, age) in enumerate(some)]
    found = judged(sent, receipt, Flooding(flooding))
    assert sorted(ids(found.shares) + ids(found.slow)) == [each["event"] for each in sent]
    assert found.accepted == len(sent)
    assert sum(found.yielding.values()) == len(ids(found.slow))
    partitions: dict[str, set[int]] = {}
    for partition, lines in [*found.shares.items(), *found.slow.items()]:
        for line in lines:
            partitions.setdefault(json.decode(line).get("visitor_id", ""), set()).add(partition)
    assert all(len(each) == 1 for own, each in partitions.items() if own), "a visitor's events meet in either lane"
