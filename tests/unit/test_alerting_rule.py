"""Rules: what can be asked, and what cannot."""

from typing import Any

import pytest
from pydantic import ValidationError

from pulse.alerting.rule import Rule

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
        ({"metric": "risky_share", "condition": {"kind": "anomaly"}}, "an anomaly is not for risky_share"),
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
