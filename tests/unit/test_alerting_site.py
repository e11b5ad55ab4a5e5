"""A site's rules together: one that depends on another, one that is switched off, rules that change, what a back-test tells."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pulse.alerting.backtest import MOST_LOOKS, backtest
from pulse.alerting.rule import MOST_GROUPS
from pulse.alerting.site import Site
from pulse.alerting.telling import notice_of, state_of
from pulse.alerting.watched import Watched, watched_of
from pulse.errors import QueryError
from pulse.minute import MINUTE_MS, Partial
from tests.alerting import record

MINUTE = 29_600_000
NOW_MS = MINUTE * MINUTE_MS


def rule(name: str, above: int = 9, window: int = 1, **more: Any) -> Watched:
    condition = {"kind": "threshold", "operator": ">", "value": above}
    definition = {"metric": "events", "window_minutes": window, "condition": condition} | more
    return watched_of(record(name, "one", definition))


def put(site: Site, minute: int, events: int, country: str = "") -> None:
    site.add(Partial(site_id="one", minute=minute * MINUTE_MS, event="x", country=country, events=events))


def told(site: Site, minute: int) -> list[tuple[str, str]]:
    return [(each.watched.id, each.change.kind) for each in site.close(minute)]


def test_a_rule_is_silent_while_the_one_it_depends_on_fires_and_fires_after_it() -> None:
    site = Site([rule("child", above=4, depends_on="parent"), rule("parent")])
    for minute, events in enumerate((10, 10, 5), MINUTE):
        put(site, minute, events)
    assert [told(site, minute) for minute in range(MINUTE, MINUTE + 4)] == [
        [("parent", "firing")],
        [],
        [("parent", "resolved"), ("child", "firing")],
        [("child", "resolved")],
    ]


def test_a_rule_that_is_switched_off_is_told_to_be_over_at_once_and_once() -> None:
    on = rule("rule")
    site = Site([on])
    put(site, MINUTE, 10)
    assert len(site.run([MINUTE], NOW_MS)) == 1
    off = Site([replace(on, is_on=False)], site.states)
    assert [each.change.kind for each in off.run([MINUTE], NOW_MS)] == ["resolved"]
    assert off.run([MINUTE], NOW_MS) == []
    assert told(off, MINUTE) == []


def test_rules_that_count_the_same_share_their_series_also_when_they_change() -> None:
    site = Site([rule("a"), rule("b", above=20), rule("c", where={"countries": ["AT"]})])
    put(site, MINUTE, 10, "AT")
    put(site, MINUTE, 5, "DE")
    assert len(site.tallies) == 2
    changed = Site([rule("a", above=14), rule("c", above=10, where={"countries": ["AT"]})], site.states)
    assert changed.adopt(site)
    assert told(changed, MINUTE) == [("a", "firing")]
    assert not Site([rule("d", where={"countries": ["DE"]})]).adopt(site)
    assert not Site([rule("a", window=60)]).adopt(site)


def test_a_rule_looks_at_no_minute_before_it_was_made() -> None:
    site = Site([replace(rule("rule", window=3), begins=MINUTE + 1)])
    put(site, MINUTE, 10)
    assert told(site, MINUTE) == []
    assert told(site, MINUTE + 1) == [("rule", "firing")]


def test_a_muted_rule_does_not_fire_and_fires_afterwards() -> None:
    muted = replace(rule("rule"), snoozed_until=(MINUTE + 2) * MINUTE_MS)
    site = Site([muted])
    for minute in range(MINUTE, MINUTE + 3):
        put(site, minute, 10)
    assert [told(site, minute) for minute in range(MINUTE, MINUTE + 3)] == [[], [("rule", "firing")], []]


def test_a_backtest_of_too_much_is_refused() -> None:
    partials = [
        Partial(site_id="one", minute=NOW_MS, event="x", country=f"c{number}", events=1) for number in range(100)
    ]
    with pytest.raises(QueryError, match="ask for fewer days"):
        backtest(rule("rule", group_by="country"), partials, MINUTE - 14 * 1440, MINUTE)
    anomalies = rule("rule", group_by="country", condition={"kind": "anomaly", "direction": "both"})
    with pytest.raises(QueryError, match="ask for fewer days"):
        backtest(anomalies, partials[:2], MINUTE - 14 * 1440, MINUTE)


def test_a_backtest_of_too_much_is_refused_before_it_is_read() -> None:
    read: list[int] = []

    def partials() -> Iterator[Partial]:
        for number in range(10_000):
            read.append(number)
            yield Partial(site_id="one", minute=NOW_MS, event="x", country=f"c{number}", events=1)

    with pytest.raises(QueryError, match="ask for fewer days"):
        backtest(rule("rule", group_by="country"), partials(), MINUTE - 14 * 1440, MINUTE)
    assert len(read) == MOST_LOOKS // (14 * 1440 + 1) + 1
    read.clear()
    with pytest.raises(QueryError, match="ask for fewer days"):
        backtest(rule("rule", condition={"kind": "anomaly"}), partials(), MINUTE - 20 * 1440, MINUTE)
    assert read == []


@pytest.mark.parametrize("more", [{}, {"group_by": "country", "where": {"countries": ["DE"]}}])
def test_a_group_that_fires_and_is_watched_no_longer_is_told_to_be_over(more: dict[str, Any]) -> None:
    old = Site([rule("parent", group_by="country"), rule("child", above=4, depends_on="parent")])
    put(old, MINUTE, 10, "AT")
    assert told(old, MINUTE) == [("parent", "firing")]
    new = Site([rule("parent", above=19, **more), rule("child", above=4, depends_on="parent")], old.states)
    put(new, MINUTE + 1, 10, "AT")
    assert [each.change.kind for each in new.close(MINUTE, evaluated=MINUTE)] == []
    over, fired = new.close(MINUTE + 1)
    assert (over.watched.id, over.group, over.change.kind, over.why) == (
        "parent",
        "AT",
        "resolved",
        "the group is watched no longer",
    )
    assert (fired.watched.id, fired.change.kind) == ("child", "firing")
    read = state_of(notice_of(over, NOW_MS))
    assert read is not None
    assert (read[0], read[1].status) == (("parent", "AT"), "ok")
    assert told(new, MINUTE + 2) == [("child", "resolved")]


def test_a_group_that_fires_is_not_given_up_for_a_new_one() -> None:
    low = {"kind": "threshold", "operator": "<", "value": 2}
    site = Site([rule("rule", group_by="country", condition=low, min_volume=1)])
    for number in range(MOST_GROUPS):
        put(site, MINUTE, 1 + (number > 0), f"c{number}")
    assert [(each.group, each.change.kind) for each in site.close(MINUTE)] == [("c0", "firing")]
    put(site, MINUTE + 30, 5, "new")
    [tally] = site.tallies.values()
    assert "new" in tally.groups
    assert "c0" in tally.groups
    assert "c1" not in tally.groups


def test_what_is_pending_when_a_rule_is_changed_begins_anew() -> None:
    old = Site([rule("rule", for_minutes=2)])
    for minute in range(MINUTE, MINUTE + 6):
        put(old, minute, 10)
    assert [told(old, minute) for minute in (MINUTE, MINUTE + 1)] == [[], []]
    new = Site([replace(rule("rule", for_minutes=2), begins=MINUTE + 2)], old.states)
    assert new.adopt(old)
    assert [told(new, minute) for minute in range(MINUTE + 2, MINUTE + 5)] == [[], [], [("rule", "firing")]]


def test_notices_of_windows_that_begin_alike_have_ids_of_their_own() -> None:
    short, long = (Site([rule("rule", window=window)]) for window in (1, 5))
    put(short, MINUTE, 10)
    put(long, MINUTE + 4, 10)
    ids = [notice_of(each, NOW_MS).id for each in (*short.close(MINUTE), *long.close(MINUTE + 4))]
    assert len(set(ids)) == 2


def unusual(metric: str, direction: str = "both", **more: Any) -> dict[str, Any]:
    """What is told of an unusual minute after an hour of three events each: of a bot now and then, of money that is also given back."""
    anomaly = {"kind": "anomaly", "direction": direction}
    site = Site([rule("rule", metric=metric, condition=anomaly, for_minutes=0, min_volume=50, **more)])
    for minute in range(MINUTE - 60, MINUTE):
        bots, money = int(minute % 10 == 0), (minute % 3 - 1) * 500_000
        site.add(of_minute(minute, 3, bots, money))
    site.add(of_minute(MINUTE, 60, 60, 30_000_000))
    [change] = [each for minute in range(MINUTE - 60, MINUTE + 1) for each in site.close(minute)]
    return notice_of(change, NOW_MS).data


def of_minute(minute: int, events: int, bots: int, money: int) -> Partial:
    at = minute * MINUTE_MS
    return Partial(site_id="one", minute=at, event="x", currency="EUR", events=events, bots=bots, revenue=money)


def test_counts_and_shares_are_not_expected_below_nothing() -> None:
    both, up = unusual("events"), unusual("events", "up")
    assert both["expected"] == {"low": 0.0, "high": up["expected"]["high"]}
    assert 3 < up["expected"]["high"] < 60
    assert up["expected"]["low"] is None
    assert unusual("bot_share")["expected"]["low"] == 0
    assert "unusual (score" in both["reason"]


def test_money_may_be_given_back() -> None:
    assert unusual("revenue", currency="EUR")["expected"]["low"] < 0
