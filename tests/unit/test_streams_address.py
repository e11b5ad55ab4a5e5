"""What refinement tells of an address, and how it is cut to its network."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.errors import SettingError
from pulse.network.cut import last_of, network_of, parsed_network_of
from pulse.network.finder import Finder
from pulse.risk.rule_sets import rule_set
from streams.memory import Memory
from streams.refinement import refine, steps_of
from streams.steps.address import hide_address
from streams.steps.client import put_client
from streams.steps.step import Step
from tests import networks
from tests.unit.streams_events import CHROME, DAY, GOOGLEBOT, NOW, SETTINGS, arrival, event, kept, only, raw, taken

GEO = Path(__file__).parents[1] / "data" / "geo.mmdb"
NO_FOLDER = Path("no such folder")


# address


EMBEDDED = {
    "mapped": (0xFFFF << 32, 0, 0),
    "compatible": (0, 0, 0),
    "translated, RFC 2765": (0xFFFF << 48, 0, 0),
    "translated, RFC 6052": (0x64FF9B << 96, 0, 0),
    "6to4": (0x2002 << 112, 80, 0),
    "a client of Teredo": (0x20010000_C0000201 << 64, 0, 0xFFFF_FFFF),
    "a server of Teredo": (0x20010000 << 96, 64, 0),
    "ISATAP": (0x20010DB8_00010002_00005EFE << 32, 0, 0),
}
"""How an address of version 4 lies in one of version 6: what that begins with, where it lies, and which of its bits are turned."""


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2:3::4", "2001:db8:1::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("fe80::1%eth0", "fe80::"),
        ("2002:cb00:7109::1", "2002:cb00:7100::"),
        ("2002:cb00:7109:1:2:3:4:5%eth0", "2002:cb00:7100::"),
        ("2003:cb00:7109::1", "2003:cb00:7109::"),
        ("64:ff9b::203.0.113.77", "64:ff9b::"),
        ("2001:0:c000:201:8000:63bf:34ff:8ef6", "2001:0:c000::"),
    ],
)
def test_addresses_are_cut_to_their_network(address: str, network: str) -> None:
    assert only(raw(ip=address))["ip"] == network


@given(st.ip_addresses(v=4).map(int), st.integers(0, 255))
def test_no_address_of_version_6_tells_more_of_one_of_version_4_in_it_than_its_network(one: int, last: int) -> None:
    neighbour = one >> 8 << 8 | last
    for head, shift, mask in EMBEDDED.values():
        here, there = (str(IPv6Address(head | (each ^ mask) << shift)) for each in (one, neighbour))
        assert network_of(here) == network_of(there)


ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(network="2002::/16").map(str),
    st.ip_addresses(v=6).flatmap(lambda one: st.sampled_from([str(one), one.exploded, str(one).upper()])),
    st.ip_addresses(v=4).flatmap(
        lambda one: st.sampled_from(["::ffff:", "::", "64:ff9b::", "::ffff:0:", "2002:cb00:7109::"]).map(
            lambda head: f"{head}{one}"
        )
    ),
    st.lists(
        st.sampled_from(["0", "1", "7", "00", "012", "255", "256", "٣", "", "-1", "1e1"]), min_size=1, max_size=5
    ).map(".".join),
    st.lists(
        st.sampled_from(["0", "0", "1", "ffff", "0db8", "2002", "00001", "g", "", "", "1.2.3.4"]),
        min_size=1,
        max_size=9,
    ).map(":".join),
    st.text("0123456789abcdef:.%/ \0\n[]é", max_size=20),
)


@given(st.builds(str.__add__, ADDRESSES, st.sampled_from(["", "", "", "%eth0", "/24", " ", "\0"])))
def test_the_short_way_to_a_network_is_the_long_one(text: str) -> None:
    assert network_of(text) == parsed_network_of(text)


def test_what_is_no_address_is_not_kept() -> None:
    assert "ip" not in only(raw(ip="unknown"))


def test_country_and_network_come_from_the_database() -> None:
    put = put_client(Finder(NO_FOLDER, GEO), rule_set())
    nested, flat, foreign = event(ip="203.0.113.7"), event(ip="2001:db8::1"), event(ip="198.51.100.1")
    for each in (nested, flat, foreign):
        put(each, arrival())
    assert (nested.country, nested.region, nested.city, nested.asn) == ("AT", "Vienna", "Vienna", 64500)
    assert (flat.country, flat.region, flat.city, flat.asn) == ("DE", "Berlin", "Berlin", 64501)
    assert (foreign.country, foreign.asn) == (None, 0)


def test_a_country_that_is_named_stands_and_no_city_of_another_joins_it() -> None:
    named = event(ip="203.0.113.7", country="fr")
    put_client(Finder(NO_FOLDER, GEO), rule_set())(named, arrival())
    assert (named.country, named.city, named.asn) == ("FR", None, 64500)


def test_without_a_database_nothing_is_known_but_the_network() -> None:
    assert "country" not in only(raw(ip="203.0.113.7"))


def test_a_database_that_is_none_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "geo.mmdb").write_text("not a database")
    for path in (tmp_path / "geo.mmdb", tmp_path / "missing.mmdb"):
        with pytest.raises(SettingError, match="PULSE_GEO_DATABASE"):
            Finder(NO_FOLDER, path)


@given(ADDRESSES)
def test_the_last_address_of_a_network_lies_in_it(text: str) -> None:
    network = network_of(text)
    if network is not None:
        assert network_of(last_of(network)) == network
        assert int(ip_address(last_of(network))) > int(ip_address(network))


def test_the_last_address_of_a_tunnels_network_is_that_of_the_tunneled_one() -> None:
    assert last_of("2002:cb00:7100::") == "2002:cb00:71ff:ffff:ffff:ffff:ffff:ffff"


def test_a_fingerprint_goes_where_consent_was_denied() -> None:
    denied, granted = event(consent="denied", fingerprint_id="f"), event(consent="granted", fingerprint_id="f")
    hide_address(denied, arrival())
    hide_address(granted, arrival())
    assert (denied.fingerprint_id, granted.fingerprint_id) == (None, "f")


# networks and bots


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Step]:
    """All steps, with data on networks."""
    return steps_of(SETTINGS, Finder(networks.built(tmp_path_factory.mktemp("world"))))


def made_of(steps: Sequence[Step], **fields: Any) -> dict[str, Any]:
    """What becomes of an event."""
    made = refine(taken(raw(**fields)), "log", Memory(DAY), steps)
    assert made is not None
    [found] = kept(made)
    return found


def test_the_network_is_told_by_the_whole_address_before_it_is_cut(steps: Sequence[Step]) -> None:
    exits, home = made_of(steps, ip="198.51.100.66"), made_of(steps, ip="198.51.100.67")
    assert exits["ip"] == home["ip"] == "198.51.100.0"
    assert (exits["network"], exits["network_source"]) == ("tor", "Tor")
    assert (home["network"], home.get("network_source"), home["country"]) == ("eyeball", None, "AT")
    assert (home["asn"], home["as_org"]) == (64500, "Alpine Cable Telekom GmbH")
    assert made_of(steps, ip="100.64.0.1")["as_entropy"] == 2.0


def test_the_age_of_the_data_is_that_at_receipt(steps: Sequence[Step]) -> None:
    assert made_of(steps, ip="198.51.100.67")["network_days"] == (NOW - networks.MADE_MS) // DAY
    early = made_of(steps, ip="198.51.100.67", received_at=networks.MADE_MS - DAY)
    assert "network_days" not in early


def test_no_address_is_of_no_network(steps: Sequence[Step]) -> None:
    assert not {"network", "asn", "as_org", "bot_claim"} & made_of(steps, user_agent=GOOGLEBOT).keys()


@pytest.mark.parametrize(
    ("ip", "claim"), [("192.0.2.33", "verified"), ("192.0.2.1", None), ("198.51.100.1", "spoofed"), (None, None)]
)
def test_a_crawler_is_named_and_its_claim_is_looked_at(
    steps: Sequence[Step], ip: str | None, claim: str | None
) -> None:
    found = made_of(steps, user_agent=GOOGLEBOT, **({"ip": ip} if ip else {}))
    assert (found["bot"], found["bot_name"], found["bot_kind"]) == (True, "Googlebot", "search")
    assert (found.get("bot_claim"), found["device_type"]) == (claim, "bot")


def test_a_claim_is_not_carried_over_to_the_next_event(steps: Sequence[Step]) -> None:
    lines = (
        raw(user_agent=GOOGLEBOT, ip="198.51.100.1"),
        raw(user_agent=CHROME, ip="198.51.100.1"),
        raw(ip="198.51.100.1"),
    )
    made = refine(taken(*lines), "log", Memory(DAY), steps)
    assert made is not None
    assert [each.get("bot_claim") for each in kept(made)] == ["spoofed", None, None]
    assert [each.get("bot_name") for each in kept(made)] == ["Googlebot", None, None]


def test_what_the_list_alone_knows_is_a_bot_too(steps: Sequence[Step]) -> None:
    found = made_of(steps, user_agent="Tiny Tiny RSS/1.11 (http://tt-rss.example/)")
    assert (found["bot"], found["bot_name"], found["bot_kind"]) == (True, "Tiny Tiny RSS", "feed")
    assert "bot" not in only(raw(user_agent="Tiny Tiny RSS/1.11 (http://tt-rss.example/)"))


def test_a_library_is_a_bot_where_it_speaks_for_itself(steps: Sequence[Step]) -> None:
    own = made_of(steps, user_agent="python-requests/2.31", imported=True)
    assert (own["bot"], own["bot_name"], own["bot_kind"]) == (True, "python-requests", "library")
    assert not {"bot", "bot_name", "bot_kind"} & made_of(steps, user_agent="python-requests/2.31").keys()


def test_a_bot_that_no_list_knows_has_its_parsers_name(steps: Sequence[Step]) -> None:
    found = made_of(steps, user_agent="Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)")
    assert (found["bot_name"], found["bot_kind"]) == ("bingbot", "other")


def test_who_names_a_country_still_has_a_network(steps: Sequence[Step]) -> None:
    found = made_of(steps, ip="198.51.100.1", country="ch")
    assert (found["country"], found["network"], found.get("city")) == ("CH", "eyeball", None)
