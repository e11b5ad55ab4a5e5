"""The published points: every sign, every boundary, every worked example."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.risk.evidence import Evidence
from pulse.risk.pulsegate import VPN_RULES, Lead, as_hundred, engagement, suspicion, vpn_points, vpn_rules
from pulse.risk.rule_sets import rule_set

ALL: dict[str, Any] = {
    "asn": 9009,
    "ips": 4,
    "asns": 3,
    "sessions": 11,
    "asn_changed": True,
    "bot_score": 30,
}
BEST_LEAD = {"has_session": True, "engagement": 50, "vpn": 0.0, "seconds_to_submit": 60.0}


@pytest.mark.parametrize(
    ("field", "value", "points"),
    [
        ("asn", 16509, 3),
        ("asn", 3320, 0),
        ("network", "hosting", 3),
        ("as_kind", "hosting", 3),
        ("network", "eyeball", 0),
        ("ips", 3, 0),
        ("ips", 4, 5),
        ("asns", 2, 0),
        ("asns", 3, 5),
        ("sessions", 10, 0),
        ("sessions", 11, 3),
        ("asn_changed", True, 5),
        ("asn_changed", False, 0),
        ("bot_score", 0, 3),
        ("bot_score", 30, 3),
        ("bot_score", 31, 0),
        ("bot_score", 100, 0),
        ("bot_score", None, 0),
        ("ips", None, 0),
        ("asns", None, 0),
        ("sessions", None, 0),
        ("asn_changed", None, 0),
    ],
)
def test_each_vpn_sign_alone_at_its_boundary(field: str, value: Any, points: int) -> None:
    assert vpn_points(Evidence(consent=True, **{field: value})) == points


@pytest.mark.parametrize(
    "asn",
    [
        pytest.param(asn, id=name)
        for name, asn in (
            *(("AWS", 16509), ("Google Cloud", 396982), ("Azure", 8075), ("DigitalOcean", 14061), ("Vultr", 20473)),
            *(("Linode", 63949), ("Hetzner", 24940), ("OVH", 16276), ("Cloudflare", 13335), ("Akamai", 20940)),
            *(("M247", 9009), ("Cogent", 174), ("Hurricane Electric", 6939), ("Tencent", 132203), ("Alibaba", 45102)),
        )
    ],
)
def test_each_provider_that_is_named_is_one_of_servers(asn: int) -> None:
    assert vpn_points(Evidence(asn=asn)) == 3


def test_all_vpn_signs_make_24_and_none_makes_0() -> None:
    verdict = rule_set("pulsegate-v1").score(Evidence(consent=True, **ALL))
    assert vpn_points(Evidence(consent=True, **ALL)) == 24 == sum(rule.points for rule in VPN_RULES)
    assert (verdict.risk, verdict.scores["vpn"].score) == (100, 100)
    assert [each.code for each in verdict.reasons] == [rule.code for rule in VPN_RULES]
    assert rule_set("pulsegate-v1").score(Evidence(consent=True)).risk == 0


def test_each_vpn_sign_left_out_of_all_takes_its_points() -> None:
    for rule, field in zip(VPN_RULES, ALL, strict=True):
        left = Evidence(consent=True, **{name: value for name, value in ALL.items() if name != field})
        assert vpn_points(left) == 24 - rule.points
        assert rule not in vpn_rules(left)


def test_without_consent_only_address_and_proxy_speak() -> None:
    assert vpn_points(Evidence(consent=False, **ALL)) == 6


@pytest.mark.parametrize(("points", "hundred"), [(0, 0), (5, 20.8), (6, 25), (12, 50), (13, 54.2), (24, 100)])
def test_points_of_24_are_told_as_a_hundred(points: int, hundred: float) -> None:
    assert as_hundred(points) == pytest.approx(hundred, abs=0.05)


@pytest.mark.parametrize(
    ("did", "score", "label"),
    [
        ((5, 0, 0, 0), 0, "Cold"),
        ((60, 50, 3, 0), 24, "Warm"),
        ((180, 80, 10, 0), 52, "Hot"),
        ((300, 100, 15, 2), 85, "Very Hot"),
        ((9.9, 0, 0, 0), 0, "Cold"),
        ((10, 0, 0, 0), 1, "Cold"),
        ((349, 0, 0, 0), 34, "Warm"),
        ((350, 0, 0, 0), 35, "Warm"),
        ((36_000, 0, 0, 0), 35, "Warm"),
        ((0, 3.3, 0, 0), 0, "Cold"),
        ((0, 3.33, 0, 0), 1, "Cold"),
        ((19.9, 0, 0, 0), 1, "Cold"),
        ((20, 0, 0, 0), 2, "Cold"),
        ((339.9, 0, 0, 0), 33, "Warm"),
        ((209.9, 0, 0, 0), 20, "Cold"),
        ((210, 0, 0, 0), 21, "Warm"),
        ((0, 6.65, 0, 0), 1, "Cold"),
        ((0, 6.66, 0, 0), 2, "Cold"),
        ((0, 99.8, 0, 0), 29, "Warm"),
        ((0, 99.9, 0, 0), 30, "Warm"),
        ((0, 100, 0, 0), 30, "Warm"),
        ((0, 250, 0, 0), 30, "Warm"),
        ((0, 0, 1, 0), 1, "Cold"),
        ((0, 0, 19, 0), 19, "Cold"),
        ((0, 0, 20, 0), 20, "Cold"),
        ((0, 0, 21, 0), 20, "Cold"),
        ((10, 0, 20, 0), 21, "Warm"),
        ((350, 0, 10, 0), 45, "Warm"),
        ((350, 0, 11, 0), 46, "Hot"),
        ((350, 100, 0, 1), 70, "Hot"),
        ((350, 100, 1, 1), 71, "Very Hot"),
        ((0, 0, 0, 1), 5, "Cold"),
        ((0, 0, 0, 2), 10, "Cold"),
        ((0, 0, 0, 3), 15, "Cold"),
        ((0, 0, 0, 4), 15, "Cold"),
        ((1_000, 100, 100, 100), 100, "Very Hot"),
        ((-5, -1, -1, -1), 0, "Cold"),
    ],
)
def test_engagement(did: tuple[float, float, int, int], score: int, label: str) -> None:
    assert engagement(*did) == (score, label)


@pytest.mark.parametrize(
    ("known", "score"),
    [
        ({}, 0),
        ({"honeypot_filled": True}, 40),
        ({"seconds_to_submit": 0.0}, 30),
        ({"seconds_to_submit": 4.9}, 30),
        ({"seconds_to_submit": 5.0}, 10),
        ({"seconds_to_submit": 10.0}, 10),
        ({"seconds_to_submit": 7.5}, 10),
        ({"seconds_to_submit": 10.1}, 0),
        ({"seconds_to_submit": None}, 0),
        ({"has_session": False}, 15),
        ({"has_session": False, "engagement": 0}, 15),
        ({"engagement": 0}, 10),
        ({"engagement": 1}, 0),
        ({"vpn": 20.0}, 0),
        ({"vpn": 20.1}, 5),
        ({"vpn": 50.0}, 5),
        ({"vpn": 50.1}, 15),
        ({"vpn": 100.0}, 15),
        ({"vpn": None}, 0),
        ({"forms_in_24h": 1}, 0),
        ({"forms_in_24h": 2}, 10),
        ({"forms_in_24h": 3}, 20),
        ({"forms_in_24h": 9}, 20),
        ({"competitor_domain": True}, 25),
        ({"honeypot_filled": True, "seconds_to_submit": 1.0, "competitor_domain": True, "vpn": 20.1}, 100),
        ({"honeypot_filled": True, "seconds_to_submit": 1.0, "forms_in_24h": 3, "engagement": 0}, 100),
        ({"honeypot_filled": True, "seconds_to_submit": 1.0, "forms_in_24h": 3, "vpn": 50.1}, 100),
        (
            {"honeypot_filled": True, "seconds_to_submit": 10.0, "forms_in_24h": 2, "has_session": False, "vpn": 60.0},
            90,
        ),
        ({"honeypot_filled": True, "seconds_to_submit": 1.0, "competitor_domain": True}, 95),
        ({"honeypot_filled": True, "seconds_to_submit": 1.0, "competitor_domain": True, "vpn": 30.0}, 100),
        ({"honeypot_filled": True, "seconds_to_submit": 1.0, "competitor_domain": True, "vpn": 60.0}, 100),
    ],
)
def test_lead_suspicion(known: dict[str, Any], score: int) -> None:
    found = suspicion(Lead(**{**BEST_LEAD, **known}))
    assert found.score == score == min(sum(found.reasons.values()), 100)


def test_of_a_lead_of_which_nothing_is_known_nothing_is_suspected() -> None:
    assert suspicion(Lead()) == (0, {})


@given(st.integers(0, 24))
def test_a_vpn_of_twelve_points_or_less_is_moderate_at_most(points: int) -> None:
    reasons = suspicion(Lead(vpn=as_hundred(points))).reasons
    assert reasons.get("VPN", 0) == (15 if points > 12 else 5 if points > 4 else 0)
