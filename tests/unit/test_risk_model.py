"""The default rule set: what single signs do, how good it is, what its files may hold."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import json

from pulse.errors import SettingError
from pulse.risk.code import CODES, SCORES
from pulse.risk.evidence import Evidence
from pulse.risk.judging import Judged, judge
from pulse.risk.model import Model
from pulse.risk.population.sessions import sessions
from pulse.risk.population.tables import networks, people
from pulse.risk.rule_sets import NAMES, PRIOR, parameters, rule_set, score, shipped
from pulse.risk.signs import signs_of


@pytest.fixture(scope="module")
def judged() -> dict[str, Judged]:
    """The default rule set on sessions of providers that it was not fitted to."""
    return {each.score: each for each in judge(rule_set(), list(sessions("evaluate", 20_000, 1))).scores}


def test_it_tells_a_vpn_as_well_as_it_must(judged: dict[str, Judged]) -> None:
    vpn = judged["vpn"]
    assert vpn.auc >= 0.97
    assert vpn.recall_at_1 >= 0.55
    assert vpn.recall_at_5 >= 0.85
    assert vpn.calibration_error <= 0.03


def test_people_at_home_and_on_phones_are_left_alone(judged: dict[str, Judged]) -> None:
    vpn = judged["vpn"]
    assert vpn.flagged_networks["eyeball"] <= 0.002
    assert vpn.flagged_networks["mobile"] <= 0.002
    assert vpn.flagged_people["fixed"] <= 0.002
    assert vpn.flagged_people["mobile"] <= 0.002
    assert vpn.flagged_people["relay"] <= 0.01


def test_it_tells_a_bot_as_well_as_it_must(judged: dict[str, Judged]) -> None:
    assert judged["bot"].auc >= 0.98
    assert all(each.calibration_error <= 0.03 for each in judged.values())


def test_the_documentation_tells_these_figures(judged: dict[str, Judged]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "risk.md").read_text()
    for name, each in judged.items():
        quality = f"{each.auc:.3f} | {each.recall_at_1:.2f} | {each.recall_at_5:.2f} | {each.calibration_error:.3f}"
        assert f"| `{name}` | {quality} |" in page
    vpn = judged["vpn"].flagged_people
    assert (
        f"homes are flagged at {vpn['fixed']:.2%}, phones at {vpn['mobile']:.2%}, relays at".replace("%", " %") in page
    )


def test_no_provider_is_both_fitted_and_judged_on() -> None:
    known = {
        split: {each.provider for sort in people() for each in networks(split, sort.role)}
        for split in ("fit", "calibrate", "evaluate")
    }
    assert all(known.values())
    assert not known["fit"] & known["evaluate"]
    assert not known["calibrate"] & known["evaluate"]
    assert not known["fit"] & known["calibrate"]


@pytest.mark.parametrize(
    ("known", "name", "least", "most"),
    [
        ({}, "vpn", 0, 1),
        ({"network": "eyeball"}, "vpn", 0, 1),
        ({"network": "vpn"}, "vpn", 80, 100),
        ({"network": "unknown", "as_bits": 3.5}, "vpn", 60, 100),
        ({"network": "hosting"}, "vpn", 15, 60),
        ({"network": "tor"}, "tor", 95, 100),
        ({"network": "tor", "network_age_days": 46}, "tor", 80, 99),
        ({"network": "relay"}, "relay", 95, 100),
        ({"network": "relay", "as_bits": 4.0, "as_kind": "hosting"}, "vpn", 0, 1),
        ({"network": "gateway", "as_bits": 4.0, "timezone_differs": True}, "vpn", 0, 5),
        ({"network": "eyeball", "webdriver": True}, "bot", 70, 100),
        ({"network": "hosting", "declared_bot": True}, "bot", 90, 100),
        ({"network": "crawler", "declared_bot": True, "crawler": "verified"}, "bot", 95, 100),
        ({"network": "eyeball", "inconsistencies": 3}, "tamper", 80, 100),
        ({"network": "eyeball", "timezone_differs": True, "language_differs": True}, "vpn", 0, 10),
    ],
)
def test_single_signs(known: dict[str, Any], name: str, least: int, most: int) -> None:
    assert least <= score(Evidence(consent=True, **known)).scores[name].score <= most


def test_a_program_that_says_so_is_no_risk_and_one_that_poses_as_a_crawler_is() -> None:
    assert score(Evidence(network="eyeball", declared_bot=True)).risk == 0
    assert score(Evidence(network="crawler", declared_bot=True, crawler="verified")).risk == 0
    assert score(Evidence(network="hosting", declared_bot=True, crawler="spoofed")).risk >= 60


def test_a_crowd_and_changing_addresses_are_usual_on_phones() -> None:
    seen: dict[str, Any] = {"consent": True, "ips": 9, "crowd": 50.0}
    phone, home = (score(Evidence(network=kind, **seen)) for kind in ("mobile", "eyeball"))
    assert phone.value < home.value
    assert "VEL_CROWD" not in [each.code for each in phone.reasons]


def test_lists_are_worth_less_as_they_age() -> None:
    ages = [0, 10, 90, 400, 3_650]
    values = [score(Evidence(network="vpn", network_age_days=age)).scores["vpn"].value for age in ages]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)


def test_a_foreign_clock_counts_half_at_a_servers_address() -> None:
    def clock(**place: Any) -> float:
        found = score(Evidence(consent=True, timezone_differs=True, **place)).scores["vpn"].reasons
        return next(each.log_odds or 0.0 for each in found if each.code == "GEO_TIMEZONE")

    assert clock(network="hosting") == pytest.approx(clock(network="eyeball") / 2)
    assert clock(network="relay") == pytest.approx(clock(network="eyeball") / 4)


def test_confidence_needs_two_groups_that_agree() -> None:
    alone = score(Evidence(consent=True, webdriver=True, headless=True, no_input=True, regular_timing=True))
    assert alone.scores["bot"].confidence == "medium"
    both = score(Evidence(consent=True, network="hosting", webdriver=True, headless=True, inconsistencies=2))
    assert both.scores["bot"].confidence == "high"
    assert score(Evidence()).scores["bot"].confidence == "low"


def test_what_was_not_known_and_how_old_lists_are_is_told() -> None:
    verdict = score(Evidence(network="vpn", network_age_days=46.0, consent=True, ips=1))
    assert "network" not in verdict.missing
    assert "ips" not in verdict.missing
    assert "webdriver" in verdict.missing
    assert verdict.data_age_days == 46
    assert score(Evidence()).data_age_days is None


def test_every_code_can_be_reached_and_weighs_something() -> None:
    every = [
        Evidence(network=kind, consent=True, as_bits=3.0, crawler=crawler, **ALL_SIGNS)
        for kind in ("unknown", "hosting", "vpn", "tor", "relay")
        for crawler in ("verified", "spoofed")
    ]
    assert {code for each in every for code in signs_of(each)} == set(CODES)
    for name in (PRIOR, "pulse-v1"):
        assert {code for each in shipped(name).scores.values() for code in each.weights} == set(CODES)


ALL_SIGNS: dict[str, Any] = {
    **dict.fromkeys(("declared_bot", "hints_differ", "timezone_differs", "timezone_utc", "language_differs"), True),
    **dict.fromkeys(("webrtc_differs", "tunnel_mss", "tcp_os_differs", "impossible_travel", "webdriver"), True),
    **dict.fromkeys(("headless", "no_input", "regular_timing", "immutable_changed"), True),
    **{
        "timezone_hours": 5.0,
        "rtt_ratio": 0.1,
        "ips": 2,
        "asns": 2,
        "countries": 2,
        "crowd": 2.0,
        "inconsistencies": 1,
    },
}


def test_no_fitted_weight_speaks_for_what_the_published_ones_do_not() -> None:
    fitted, prior = shipped("pulse-v1"), shipped(PRIOR)
    for name in SCORES:
        assert set(fitted.scores[name].weights) == set(prior.scores[name].weights)
        assert min(fitted.scores[name].weights.values()) > 0


def test_rule_sets_have_names() -> None:
    for name in NAMES:
        verdict = rule_set(name).score(Evidence())
        assert (verdict.rule_set, verdict.version) == (name, "1")
    with pytest.raises(SettingError, match="there is no rule set pulse-v0: choose one of pulse-v1, pulsegate-v1"):
        rule_set("pulse-v0")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scores": {}}, "has no weights for vpn, proxy, tor, relay, bot, tamper"),
        ({"scores": {"vpn": {"base": 0, "weights": {"NET_VPN": -1}}}}, "holds no weights"),
        ({"surprise": 1}, "holds no weights"),
    ],
)
def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    file = tmp_path / "weights.json"
    file.write_bytes(json.encode({**json.decode(json.encode(shipped("pulse-v1"))), **change}))
    with pytest.raises(SettingError, match=told):
        parameters(file)


def test_weights_of_a_sign_that_there_is_not_are_refused(tmp_path: Path) -> None:
    content = json.decode(json.encode(shipped("pulse-v1")))
    content["scores"]["vpn"]["weights"]["NET_MOON"] = 1.0
    file = tmp_path / "weights.json"
    file.write_bytes(json.encode(content))
    with pytest.raises(SettingError, match="weighs NET_MOON, which no sign is called"):
        parameters(file)
    with pytest.raises(SettingError, match="No such file"):
        parameters(tmp_path / "none.json")


def test_the_same_weights_say_the_same() -> None:
    evidence = Evidence(consent=True, network="hosting", as_bits=2.0, webdriver=True)
    assert Model(shipped("pulse-v1")).score(evidence) == rule_set().score(evidence)
