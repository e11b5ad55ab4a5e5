"""The demo's traffic: the same for a seed, exact in number, lifelike in its shares."""

from collections import Counter, defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import convert, json

from pulse.demo.summary import Count
from pulse.demo.traffic import Plan, Sent, traffic
from pulse.event import MAX_EVENT_BYTES, Event
from pulse.money import units

END = 1_790_000_000_000
DAY_MS = 86_400_000
PLAN = Plan(events=20_000, start_ms=END - 6 * DAY_MS, end_ms=END, visitors=800)


@pytest.fixture(scope="module")
def sent() -> list[Sent]:
    return list(traffic(PLAN))


@pytest.fixture(scope="module")
def distinct(sent: list[Sent]) -> list[dict[str, Any]]:
    return [json.decode(each.body) for each in sent if not each.again]


def test_the_same_plan_gives_the_same_sendings(sent: list[Sent]) -> None:
    assert list(traffic(PLAN)) == sent


def test_another_seed_or_time_gives_other_events(distinct: list[dict[str, Any]]) -> None:
    ids = {event["event_id"] for event in distinct}
    for other in (Plan(500, PLAN.start_ms, END, 800, seed=2), Plan(500, PLAN.start_ms + 1, END + 1, 800)):
        assert not ids & {json.decode(each.body)["event_id"] for each in traffic(other)}


def test_every_event_is_of_the_contract(distinct: list[dict[str, Any]], sent: list[Sent]) -> None:
    for event in distinct:
        convert(event, Event)
    assert max(len(each.body) for each in sent) < MAX_EVENT_BYTES


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 400),
    st.integers(1_000, 8 * DAY_MS),
    st.integers(1, 50),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(),
)
def test_numbers_are_exact(
    events: int, span: int, visitors: int, duplicates: float, late: float, bots: float, seed: int
) -> None:
    plan = Plan(events, END - span, END, visitors, seed, duplicates, late, bots)
    made = list(traffic(plan))
    firsts = [each for each in made if not each.again]
    assert len(firsts) == events
    assert len({json.decode(each.body)["event_id"] for each in firsts}) == events
    assert all(plan.start_ms <= each.ts < plan.end_ms for each in made)
    assert [each.due for each in made] == sorted(each.due for each in made)


def test_a_second_sending_is_the_first_again_and_later(sent: list[Sent]) -> None:
    seen: set[bytes] = set()
    for each in sent:
        assert (each.body in seen) == each.again
        seen.add(each.body)


def test_shares_are_as_asked(sent: list[Sent]) -> None:
    firsts = [each for each in sent if not each.again]
    assert sum(each.late for each in firsts) == pytest.approx(0.05 * PLAN.events, rel=0.2)
    assert len(sent) - len(firsts) == pytest.approx(0.01 * PLAN.events, rel=0.3)
    assert sum(each.bot for each in firsts) == pytest.approx(0.03 * PLAN.events, rel=0.4)


def test_late_events_come_after_later_ones(sent: list[Sent]) -> None:
    latest, overtaken = 0, 0
    for each in (each for each in sent if not each.again):
        assert each.late or each.ts >= latest
        overtaken += each.late and each.ts < latest
        latest = max(latest, each.ts) if not each.late else latest
    assert overtaken > 0.9 * sum(each.late for each in sent if not each.again)


def test_the_funnel_narrows(distinct: list[dict[str, Any]]) -> None:
    count = Counter(event["event"] for event in distinct)
    steps = [count[name] for name in ("page_view", "product_view", "add_to_cart", "checkout", "purchase")]
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] > 0


def test_nobody_buys_without_a_checkout(distinct: list[dict[str, Any]]) -> None:
    visits: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for event in distinct:
        visits[event.get("session_id", "")].append((event["ts"], event["event"]))
    for steps in visits.values():
        names = [name for _, name in sorted(steps)]
        assert "purchase" not in names or names.index("checkout") < names.index("purchase")


def test_purchases_alone_earn(distinct: list[dict[str, Any]]) -> None:
    assert {event["event"] for event in distinct if "revenue" in event} == {"purchase"}
    assert all(event["revenue"] > 0 and len(event["currency"]) == 3 for event in distinct if "revenue" in event)


def test_visitors_come_back_on_other_days(distinct: list[dict[str, Any]]) -> None:
    days: dict[str, set[int]] = defaultdict(set)
    for event in distinct:
        if "visitor_id" in event:
            days[event["visitor_id"]].add(event["ts"] // DAY_MS)
    assert sum(len(each) > 1 for each in days.values()) > len(days) / 3


def test_every_day_and_hour_has_its_share(distinct: list[dict[str, Any]]) -> None:
    days = Counter((event["ts"] - PLAN.start_ms) // DAY_MS for event in distinct)
    assert min(days.values()) > PLAN.events / 6 * 0.8
    hours = Counter(event["ts"] // 3_600_000 % 24 for event in distinct)
    assert len(hours) == 24
    assert hours[10] > 3 * hours[3]


def test_campaigns_referrers_devices_and_countries(distinct: list[dict[str, Any]]) -> None:
    assert any("utm_campaign=" in event["url"] for event in distinct)
    assert len({event.get("referrer") for event in distinct}) > 5
    assert len({event["user_agent"] for event in distinct}) > 10
    assert len({event["country"] for event in distinct}) > 8


def test_the_summary_counts_what_was_sent(sent: list[Sent], distinct: list[dict[str, Any]]) -> None:
    count = Count()
    for each in sent:
        count.add(each)
    made = count.summary()
    assert (made.sent, made.distinct, made.duplicates) == (len(sent), PLAN.events, len(sent) - PLAN.events)
    assert made.events == Counter(event["event"] for event in distinct)
    assert (made.first, made.last) == (min(e["ts"] for e in distinct), max(e["ts"] for e in distinct))
    sums: Counter[str] = Counter()
    for event in distinct:
        sums[event.get("currency", "")] += units(event.get("revenue"))
    assert {name: int(total.scaleb(4)) for name, total in made.revenue.items()} == {k: v for k, v in sums.items() if k}
