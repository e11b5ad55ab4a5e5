"""Rules: what can be asked, and what cannot."""

from typing import Any

import pytest
from pydantic import ValidationError

from pulse.alerting.rule import Rule
from pulse.alerting.wanted import WantedRule, countries

PASS: dict[str, Any] = {"kind": "threshold", "operator": ">", "value": 5}


def rule(**parts: Any) -> Rule:
    return Rule.model_validate({"metric": "events", "condition": PASS} | parts)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"metric": "leads"}, "is none of events, revenue, bot_share, ratio"),
        ({"metric": "revenue"}, "currency is required"),
        ({"metric": "events", "currency": "EUR"}, "currency is for revenue alone"),
        ({"metric": "ratio"}, "of is required"),
        ({"of": ["a"]}, "of and over are for a ratio or a conversion alone"),
        ({"metric": "ratio", "of": ["a"], "where": {"events": ["a"]}}, "where.events is not for a ratio"),
        ({"metric": "ratio", "of": ["a"], "group_by": "event"}, "group_by event is not for a ratio"),
        ({"metric": "bot_share", "condition": PASS | {"value": 1}}, "is always the same"),
        ({"metric": "bot_share", "condition": PASS | {"value": 1.5}}, "is always the same"),
        ({"metric": "ratio", "of": ["a"], "condition": PASS | {"value": 2}}, "is always the same"),
        ({"condition": PASS | {"operator": ">=", "value": 0}}, "is always the same"),
        ({"condition": PASS | {"operator": "==", "value": -1}}, "is always the same"),
        ({"condition": PASS | {"operator": "==", "resolve": 1}}, "resolve is for"),
        ({"condition": PASS | {"operator": "<", "resolve": 4}}, "must not lie below"),
        ({"condition": {"kind": "anomaly", "z": 4, "resolve": 5}}, "must not lie beyond z"),
        ({"condition": {"kind": "anomaly"}, "window_minutes": 1441}, "at most 1440"),
        ({"condition": {"kind": "no_data"}, "metric": "bot_share"}, "no_data is for the metric events"),
        ({"condition": {"kind": "no_data"}, "group_by": "country"}, "group_by is not for no_data"),
        ({"metric": "vital"}, "vital is required"),
        ({"vital": "lcp"}, "vital is required for the metric vital, and is for it alone"),
        ({"metric": "vital", "vital": "fid"}, "Input should be"),
        ({"metric": "vital", "vital": "lcp", "where": {"events": ["a"]}}, "where.events is not for vital"),
        ({"metric": "vital", "vital": "lcp", "group_by": "event"}, "group_by event is not for vital"),
        ({"metric": "error_rate", "where": {"events": ["a"]}}, "where.events is not for error_rate"),
        ({"metric": "error_rate", "condition": PASS | {"value": 1}}, "is always the same"),
        ({"metric": "conversion", "of": ["a"]}, "over and of are required for a conversion"),
        ({"metric": "conversion", "of": ["a"], "over": ["b"], "condition": PASS | {"value": 2}}, "is always the same"),
        ({"metric": "visitors", "window_minutes": 1441}, "at most 1440"),
        ({"metric": "visitors", "condition": {"kind": "anomaly"}}, "an anomaly is not for visitors"),
        ({"metric": "visitors", "condition": {"kind": "no_data"}}, "no_data is for the metric events"),
        ({"metric": "risk_events"}, "where.risk is required for risk_events"),
        ({"metric": "risk_events", "where": {"risk": ["some"]}}, "Input should be 'low', 'elevated', 'high' or"),
        ({"metric": "risky_share", "where": {"risk": ["high"]}}, "where.risk is for risk_events, visitors, sessions"),
        ({"where": {"risk": ["high"]}}, "where.risk is for risk_events, visitors, sessions alone"),
        ({"metric": "vpn_share", "condition": PASS | {"value": 1}}, "is always the same"),
        ({"metric": "tor_share", "of": ["a"]}, "of and over are for a ratio or a conversion alone"),
        ({"metric": "risk_events", "where": {"risk": ["high"]}, "condition": {"kind": "anomaly"}}, "an anomaly is not"),
        (
            {"metric": "risky_share", "condition": {"kind": "anomaly"}, "group_by": "country"},
            "group_by is not for an anomaly of risky_share",
        ),
        ({"metric": "lag", "group_by": "country"}, "where and group_by are not for lag"),
        ({"metric": "lag", "where": {"countries": ["AT"]}}, "where and group_by are not for lag"),
        (
            {
                "metric": "lag",
                "condition": {"kind": "relative", "against": "day", "operator": ">", "percent": 5},
            },
            "relative is not for lag",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_in_words(parts: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        rule(**parts)


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"metric": "revenue"}, "currency"),
        ({"metric": "ratio"}, "of"),
        ({"of": ["a"]}, "of"),
        ({"over": ["a"]}, "over"),
        ({"metric": "conversion", "of": ["a"]}, "over"),
        ({"metric": "conversion", "over": ["a"]}, "of"),
        ({"metric": "ratio", "of": ["a"], "where": {"events": ["a"]}}, "where.events"),
        ({"metric": "vital"}, "vital"),
        ({"metric": "risk_events"}, "where.risk"),
        ({"where": {"risk": ["high"]}}, "where.risk"),
        ({"metric": "visitors", "window_minutes": 1441}, "window_minutes"),
        ({"condition": {"kind": "anomaly"}, "window_minutes": 1441}, "window_minutes"),
        ({"metric": "lag", "group_by": "country"}, "group_by"),
        ({"metric": "lag", "where": {"countries": ["AT"]}}, "where"),
        ({"condition": {"kind": "no_data"}, "group_by": "country"}, "group_by"),
        ({"condition": PASS | {"operator": "<", "resolve": 4}}, "condition.resolve"),
        ({"condition": {"kind": "anomaly", "z": 4, "resolve": 5}}, "condition.resolve"),
        ({"condition": PASS | {"operator": "==", "value": -1}}, "condition"),
        (
            {"condition": {"kind": "relative", "against": "day", "operator": "<", "percent": -101}},
            "condition.percent",
        ),
    ],
)
def test_what_contradicts_itself_is_told_of_the_part_that_is_at_fault(parts: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        rule(**parts)
    assert [".".join(map(str, each["loc"])) for each in caught.value.errors()] == [place]


@pytest.mark.parametrize(
    "parts",
    [
        {"condition": PASS | {"value": True}},
        {"condition": PASS | {"resolve": False}},
        {"condition": {"kind": "anomaly", "z": True}},
        {"window_minutes": True},
        {"min_volume": False},
        {"cooldown_minutes": False},
        {"for_minutes": True},
        {"quiet": {"from": "22:00", "to": "07:00", "days": [True]}},
    ],
)
def test_yes_and_no_are_no_numbers(parts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must be a number, not true or false"):
        rule(**parts)


@pytest.mark.parametrize(
    ("parts", "place", "why"),
    [
        ({"where": {"countries": ["zz", "Austria", "AT"]}}, "where.countries.0", "is no country's code"),
        ({"where": {"countries": ["Austria"]}}, "where.countries.0", "is no country's code"),
        ({"quiet": {"from": "22:00", "to": "22:00"}}, "quiet.to", "never begin to fire"),
        ({"condition": {"kind": "no_data"}, "min_volume": 5}, "min_volume", "is not for no_data"),
    ],
)
def test_what_could_hardly_fire_is_not_taken_and_may_be_kept(parts: dict[str, Any], place: str, why: str) -> None:
    wanted = {"metric": "events", "condition": PASS} | parts
    with pytest.raises(ValidationError, match=why) as caught:
        WantedRule.model_validate(wanted)
    assert ".".join(map(str, caught.value.errors()[0]["loc"])) == place
    assert rule(**parts)


def test_countries_are_told_by_their_codes_in_whatever_case() -> None:
    taken = WantedRule.model_validate({"metric": "events", "condition": PASS, "where": {"countries": ["at", "XK"]}})
    assert taken.where.countries == ["AT", "XK"]
    assert len(countries()) > 240


@pytest.mark.parametrize(
    "parts",
    [
        {"metric": "revenue", "currency": "EUR", "condition": PASS | {"operator": "<", "value": -5}},
        {"metric": "ratio", "of": ["a"], "over": ["b"], "condition": PASS | {"value": 2}},
        {"metric": "bot_share", "condition": PASS | {"operator": ">=", "value": 1}},
        {"condition": PASS | {"operator": "==", "value": 0}},
        {"condition": {"kind": "no_data"}},
        {"metric": "visitors", "group_by": "event", "where": {"events": ["a", "b"]}},
        {"metric": "vital", "vital": "cls", "condition": PASS | {"value": 0.25}},
        {"metric": "lag", "condition": PASS | {"value": 30}},
    ],
)
def test_what_can_be_is_taken(parts: dict[str, Any]) -> None:
    assert rule(**parts).metric


def test_an_anomaly_holds_for_a_minute_and_wants_a_volume_unless_told() -> None:
    anomaly = rule(condition={"kind": "anomaly"})
    assert (anomaly.holds_for, anomaly.least) == (1, 30)
    told = rule(condition={"kind": "anomaly"}, for_minutes=0, min_volume=1)
    assert (told.holds_for, told.least) == (0, 1)
    assert (rule().holds_for, rule().least) == (0, 0)


def test_a_ratio_of_the_same_events_is_not_made_anew_and_is_read_where_it_is_kept() -> None:
    same = {"metric": "ratio", "of": ["a"], "over": ["a"], "condition": PASS}
    assert rule(**same).over == ["a"]
    with pytest.raises(ValidationError, match=r"over\n.*always 1"):
        WantedRule.model_validate(same)
    others: list[dict[str, Any]] = [{"over": ["a", "b"]}, {"over": []}, {"metric": "conversion"}]
    for fine in others:
        WantedRule.model_validate(same | fine | {"condition": PASS | {"value": 0.5}})
