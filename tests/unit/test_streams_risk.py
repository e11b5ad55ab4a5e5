"""The verdict on an event: what it rests on, what has no leave to count, and what it says."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.event import RefinedEvent
from pulse.risk.evidence import OPTIONAL, Evidence
from pulse.risk.packed import Seen
from pulse.risk.rule_sets import rule_set
from streams.steps.risk import SIGNALS, Device, Judged, Sight, evidence_of, judged, put_risk, sight_of
from tests.unit.streams_events import arrival, event, only, raw
from tests.unit.test_risk_docs import PAGE

KINDS = ("", "eyeball", "mobile", "hosting", "vpn", "relay", "tor", "gateway", "crawler", "unknown")
ZONES = ("Europe/Vienna", "Asia/Tokyo", "America/New_York", "UTC", "Etc/GMT+5", "nowhere", "")
WORDS = st.frozensets(
    st.sampled_from(("webdriver", "program_globals", "no_plugins", "headless_agent", "touch", "client_hints"))
)
SIGHTS = st.builds(
    Sight,
    network=st.sampled_from(KINDS),
    network_days=st.integers(0, 65_535),
    asn=st.sampled_from((0, 1, 24940)),
    as_entropy=st.floats(0, 8),
    is_bot=st.booleans(),
    claim=st.sampled_from(("", "verified", "spoofed")),
    has_leave=st.just(True),
    country=st.sampled_from(("", "AT", "JP", "GB", "XX")),
    timezone=st.sampled_from(ZONES),
    day=st.integers(0, 40_000),
    device=st.none() | st.builds(Device, WORDS, WORDS),
)


def verdict(rules: str = "pulse-v1", properties: str | None = None, **fields: Any) -> RefinedEvent:
    """An event with its verdict; its properties are text, as the steps before leave them."""
    made = event(**fields)
    made.properties = properties  # type: ignore[assignment]
    put_risk(rule_set(rules))(made, arrival())
    return made


def signals(purpose: str = "consent", consent: str | None = "granted", **device: Any) -> RefinedEvent:
    """The verdict on an event by which a browser tells of its device."""
    properties = json.dumps({"purpose": purpose, "device": device})
    return verdict(event=SIGNALS, properties=properties, consent=consent, network="eyeball", country="AT")


def test_an_event_from_home_has_nothing_against_it() -> None:
    made = verdict(network="eyeball", asn=8412, country="AT", timezone="Europe/Vienna", consent="granted")
    assert (made.risk, made.risk_band, made.risk_reasons, made.risk_rules) == (0, "low", "", "pulse-v1/1")


def test_an_exit_of_a_vpn_is_told_and_alone_is_no_high_risk() -> None:
    made = verdict(network="vpn", asn=9009, as_entropy=4.2)
    assert made.risk_vpn > 50
    assert made.risk < 60
    assert "NET_VPN" in made.risk_reasons.split(",")


def test_where_nothing_is_known_nothing_is_held_against_anybody() -> None:
    assert verdict().risk == 0


@pytest.mark.parametrize("consent", [None, "denied"])
def test_without_consent_no_time_zone_counts(consent: str | None) -> None:
    seen: dict[str, Any] = {"network": "vpn", "asn": 9009, "as_entropy": 4.2}
    alone = verdict(**seen)
    told = verdict(**seen, country="NL", timezone="Asia/Tokyo", consent=consent)
    agreed = verdict(**seen, country="NL", timezone="Asia/Tokyo", consent="granted")
    assert (told.risk_vpn, told.risk_reasons) == (alone.risk_vpn, alone.risk_reasons)
    assert agreed.risk_vpn > alone.risk_vpn


def test_a_program_that_drives_a_browser_is_told_by_its_traces() -> None:
    assert signals(automation="", inconsistent="").risk_bot < 25
    driven = signals(automation="webdriver,no_plugins,software_graphics")
    assert driven.risk_bot >= 60
    assert {"BOT_WEBDRIVER", "BOT_HEADLESS"} <= set(driven.risk_reasons.split(","))


@pytest.mark.parametrize(
    ("automation", "counts"),
    [
        ("", False),
        ("software_graphics", False),
        ("no_round_trip", False),
        ("headless_agent", True),
        ("software_graphics,no_plugins", True),
    ],
)
def test_one_mark_that_people_bear_too_is_no_sign(automation: str, counts: bool) -> None:
    assert ("BOT_HEADLESS" in signals(automation=automation).risk_reasons) is counts


@pytest.mark.parametrize(
    ("purpose", "consent", "counts"),
    [
        ("consent", "granted", True),
        ("consent", None, False),
        ("security", None, True),
        ("security", "denied", False),
        ("consent", "denied", False),
    ],
)
def test_signals_count_with_consent_or_for_security_and_never_against_a_no(
    purpose: str, consent: str | None, counts: bool
) -> None:
    assert (signals(purpose, consent, automation="webdriver").risk > 0) is counts


@pytest.mark.parametrize("properties", ["{}", '{"device":5}', '{"device":{"automation":["webdriver"]}}', None])
def test_signals_that_cannot_be_read_are_none(properties: str | None) -> None:
    made = verdict(event=SIGNALS, properties=properties, consent="granted", network="eyeball")
    assert made.risk == 0


def test_the_published_points_are_a_rule_set_like_another() -> None:
    made = verdict("pulsegate-v1", network="hosting", asn=24940)
    assert (made.risk, made.risk_vpn, made.risk_reasons, made.risk_rules) == (12, 12, "HOSTING_ASN", "pulsegate-v1/1")


@given(sight=SIGHTS)
def test_a_verdict_is_the_same_each_time_and_less_known_never_raises_it(sight: Sight) -> None:
    rules = rule_set()
    found = judged(rules, sight)
    assert found == judged(rules, sight)
    silent = sight._replace(has_leave=False, country="", timezone="", day=0, device=None)
    assert judged(rules, silent).risk <= found.risk
    for score in found[0:1] + found[2:8]:
        assert 0 <= int(score) <= 100
    assert isinstance(found, Judged)


def test_the_documentation_names_what_the_streams_do_not_look_for() -> None:
    seen = Seen(9, 9, 9, 9, moved=True, crowd=9.0, travelled=True)
    device = Device(frozenset(("webdriver",)), frozenset(("touch",)))
    everything = Sight("eyeball", 1, 24940, 3.0, True, "spoofed", True, "AT", "Asia/Tokyo", 20_000, device, True, seen)
    found = evidence_of(everything), evidence_of(everything._replace(timezone="UTC"))
    worst: dict[str, Any] = {"rtt_ratio": 0.01, "bot_score": 0}
    missing = [name for name in OPTIONAL if all(getattr(each, name) is None for each in found) and name != "as_kind"]
    unseen = {name: worst.get(name, True) for name in missing}
    made = Evidence(consent=True, network="eyeball", **unseen)
    codes = {reason.code for rules in ("pulse-v1", "pulsegate-v1") for reason in rule_set(rules).score(made).reasons}
    [said] = re.findall(r"The streams do not look for (.*?): these count", PAGE, re.DOTALL)
    assert codes == set(re.findall(r"`([A-Z_]+)`", said))


def test_a_sight_holds_no_more_than_what_has_leave() -> None:
    made = event(network="eyeball", country="AT", timezone="Europe/Vienna", consent="denied")
    assert (sight_of(made, arrival()).country, sight_of(made, arrival()).timezone) == ("", "")
    assert evidence_of(sight_of(made, arrival())).timezone_differs is None


@pytest.mark.parametrize(
    ("purpose", "consent", "is_kept"),
    [
        ("consent", "granted", True),
        ("consent", None, False),
        ("security", None, True),
        ("security", "denied", False),
    ],
)
def test_signals_that_have_no_leave_do_not_leave_the_raw_log(purpose: str, consent: str | None, is_kept: bool) -> None:
    told = {"purpose": purpose, "device": {"automation": "webdriver", "canvas": "0f3a"}}
    made = only(raw(event=SIGNALS, properties=told, consent=consent, fingerprint_id="f-1"))
    assert ("canvas" in str(made)) is is_kept
    assert (made.get("fingerprint_id") == "f-1") is is_kept
    assert made["event"] == SIGNALS


def test_a_country_that_the_client_names_hides_no_other() -> None:
    made, here = event(network="eyeball", country="JP", timezone="Asia/Tokyo", consent="granted"), arrival()
    here.country = "AT"
    put_risk(rule_set())(made, here)
    assert "GEO_TIMEZONE" in made.risk_reasons
