"""Floods: who sends too much for long enough is told, nobody else is, and what is remembered stays bounded."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.collector import flood
from api.collector.decode import Incoming
from api.collector.flood import BURST_S, Bucket, Floods

RATE = 200.0
UNHURRIED = settings(deadline=None)


def events(own: str, number: int) -> list[Incoming]:
    return [Incoming(event="e", visitor_id=own)] * number


def told(
    floods: Floods, rates: dict[str, int], seconds: float, size: int = 100, since: float = 0
) -> Iterator[set[str]]:
    """Who floods, tenth of a second by tenth, where visitors send at these rates in requests of all of them mixed."""
    for tenth in range(int(seconds * 10)):
        some = [event for own, rate in rates.items() for event in events(own, rate // 10)]
        found: set[str] = set()
        for begin in range(0, len(some), size):
            found |= floods.visitors("shop", some[begin : begin + size], since + tenth / 10)
        yield found


def test_a_visitor_that_floods_is_told_within_two_seconds_and_no_other_is() -> None:
    others = {f"v{number}": 20 for number in range(50)}
    found = list(told(Floods(RATE, 0), {"bot": 5_000, **others}, 10))
    assert {"bot"} in found[:20]
    assert all(each == {"bot"} for each in found[20:])
    assert set().union(*found) == {"bot"}


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_who_stays_below_the_limit_is_never_told(size: int) -> None:
    busy = {f"v{number}": 180 for number in range(7)}
    assert not any(told(Floods(RATE, 0), busy, 20, size))


@pytest.mark.parametrize("size", [1, 7, 14, 500])
def test_visitors_that_send_in_turns_are_told_all_the_same(size: int) -> None:
    floods = Floods(RATE, 0)
    found: set[str] = set()
    turns = [event for _ in range(1_400) for event in [Incoming(event="e", visitor_id=f"v{n}") for n in range(7)]]
    for second in range(20):
        for begin in range(0, len(turns), size):
            found |= floods.visitors("shop", turns[begin : begin + size], second + begin / len(turns))
    assert found == {f"v{number}" for number in range(7)}


def test_a_flood_that_ends_is_over_within_seconds() -> None:
    floods = Floods(RATE, 0)
    assert list(told(floods, {"bot": 5_000}, 5))[-1]
    after = list(told(floods, {"bot": 10}, 20, since=5))
    assert after[0]
    assert not any(after[int(10 * 2 * BURST_S) + 10 :])


def test_what_a_client_kept_while_it_was_offline_is_no_flood() -> None:
    floods = Floods(RATE, 0)
    list(told(floods, {"calm": 10, "other": 10}, 3))
    assert not floods.visitors("shop", events("calm", 900), 3.0)
    assert not any(told(floods, {"calm": 10}, 5, since=3))


def test_events_without_anybody_are_nobodys_flood() -> None:
    floods = Floods(RATE, 0)
    for tenth in range(100):
        assert not floods.visitors("shop", [Incoming(event="e")] * 500, tenth / 10)


def test_sites_are_told_apart() -> None:
    floods = Floods(RATE, 0)
    for tenth in range(50):
        floods.visitors("one", events("v", 500), tenth / 10)
        assert not floods.visitors("other", events("v", 5), tenth / 10)
    assert floods.visitors("one", events("v", 500), 5.0) == {"v"}


def test_a_site_that_floods_is_told() -> None:
    floods = Floods(0, 1_000)
    assert not floods.is_site("busy", 4_000, 0.0)
    assert not any(floods.is_site("calm", 90, tenth / 10) for tenth in range(100))
    assert floods.is_site("busy", 4_000, 0.5)
    assert not floods.is_site("busy", 100, 60.0)


def test_without_limits_nobody_floods() -> None:
    assert not any(told(Floods(0, 0), {"bot": 5_000}, 3))
    assert not Floods(0, 0).is_site("shop", 1_000_000, 0.0)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_LOOKED_AT", "MOST_COUNTED", "MOST_SITES"):
        monkeypatch.setattr(flood, name, 50)
    floods = Floods(1, 1)
    for number in range(2_000):
        floods.is_site(f"s{number}", 10, number / 1_000)
        floods.visitors(f"s{number % 100}", events(f"v{number % 900}", 20), number / 1_000)
    assert len(floods._sites) <= 50
    assert len(floods._looked_at) <= 50 + 20
    assert sum(map(len, floods._counted.values())) == floods._count <= 50


@UNHURRIED
@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 500)), max_size=50), st.floats(1, 300))
def test_laws_of_a_bucket(sent: list[tuple[float, int]], rate: float) -> None:
    now, bucket, total = 0.0, Bucket(0.0), 0
    for pause, count in sent:
        now, total = now + pause, total + count
        if total <= rate * BURST_S:
            assert not bucket.add(count, rate, now), "so much may come at once"
        else:
            bucket.add(count, rate, now)
    assert bucket.is_dry(rate, now + 2 * BURST_S + 0.001)
    assert not bucket.add(0, rate, now + 2 * BURST_S + 0.001)
