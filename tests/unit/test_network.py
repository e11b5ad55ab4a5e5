"""What an address tells: from packages to the table."""

from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.command.geo import Optional
from pulse.network import source
from pulse.network.classify import System, kind_of
from pulse.network.entropy import country_entropy
from pulse.network.finder import Finder, packages
from pulse.network.found import NOWHERE, Found
from pulse.network.kind import Kind
from pulse.network.ranges import NONE, joined, key, layer, nested
from pulse.network.source import day_of, days_old
from tests import networks
from tests.networks import MADE_MS, RANGES_MADE_S


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is built of the packages; nobody writes there."""
    return networks.built(tmp_path_factory.mktemp("world"))


# ranges

RANGES = st.lists(st.integers(0, 64), max_size=12, unique=True).map(
    lambda bounds: [
        (first, after - 1, number)
        for number, (first, after) in enumerate(pairwise(sorted(bounds)))
        if number % 3 != 2  # some of them touch, and some do not
    ]
)
SCALES = {4: (1 << 32) // 64, 6: (1 << 128) // 64}


def scaled(ranges: list[tuple[int, int, int]], version: int) -> list[tuple[int, int, int]]:
    """Ranges over all addresses of a version: the last ends with the very last."""
    scale = SCALES[version]
    return [(first * scale, (last + 1) * scale - 1, value) for first, last, value in ranges]


@given(RANGES, RANGES, st.sampled_from([4, 6]))
def test_joined_layers_say_of_each_address_what_each_of_them_says(
    one: list[tuple[int, int, int]], other: list[tuple[int, int, int]], version: int
) -> None:
    layers = [layer(version, scaled(each, version)) for each in (one, other)]
    points, values = joined(version, layers)
    for at in range(64):
        place = sum(point <= key(at * SCALES[version] + 1, version) for point in points.tolist()) - 1
        for ranges, found in zip((one, other), values, strict=True):
            said = next((value for first, last, value in ranges if first <= at <= last), NONE)
            assert (found[place] if place >= 0 else NONE) == said


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(29, 32)), max_size=8))
def test_the_smallest_network_that_holds_an_address_counts(some: list[tuple[int, int]]) -> None:
    given_ = [(IPv4Network((at, size), strict=False), number) for number, (at, size) in enumerate(some)]
    found = nested(given_)
    assert all(one[1] < other[0] for one, other in pairwise(found))
    for at in range(9):
        holding = [(network.prefixlen, -number) for network, number in given_ if at in map(int, network)]
        said = [value for first, last, value in found if first <= at <= last]
        assert said == ([-max(holding)[1]] if holding else [])


# entropy and kinds


def test_entropy_is_that_of_the_shares_of_countries() -> None:
    systems = layer(4, [(0, 99, 7), (100, 199, 8), (200, 299, 9)])
    countries = layer(4, [(0, 49, 1), (50, 99, 2), (100, 199, 1)])
    numbers, entropies = country_entropy(systems, countries)
    assert dict(zip(numbers.tolist(), entropies.tolist(), strict=True)) == {7: 1.0, 8: 0.0}
    assert not len(country_entropy(systems, layer(4, []))[0])


@pytest.mark.parametrize(
    ("name", "entropy", "hosting", "kind"),
    [
        ("Alpine Cable Telekom GmbH", 0.0, 0.0, "eyeball"),
        ("Alpine Cable Telekom GmbH", 1.0, 0.0, "unknown"),
        ("Alpine Cable Telekom GmbH", None, 0.0, "unknown"),
        ("Alpine Cable Telekom GmbH", 0.0, 0.1, "unknown"),
        ("Alpine Cable Telekom GmbH", 0.0, 0.3, "hosting"),
        ("Provedor de Internet Ltda", 0.0, 0.0, "eyeball"),
        ("Nord Wireless", 0.2, 0.0, "mobile"),
        ("Royal Automobile Club", 0.0, 0.0, "unknown"),
        ("Example Hosting, Inc.", 0.0, 0.0, "hosting"),
        ("Example VPN AB", 2.0, 0.0, "vpn"),
        ("ZSCALER, INC.", 3.0, 0.5, "gateway"),
        ("University of Telecommunications", 0.0, 0.0, "unknown"),
        ("Rather Anything", 0.0, 0.0, "unknown"),
    ],
)
def test_the_kind_of_a_system(name: str, entropy: float | None, hosting: float, kind: str) -> None:
    assert kind_of(System(64500, name, entropy, hosting)) == kind


def test_a_carrier_of_several_countries_that_serves_homes_is_in_the_list() -> None:
    assert kind_of(System(6830, "Liberty Global B.V.", 1.8, 0.0)) == Kind.eyeball


# from packages to what an address tells


@pytest.mark.parametrize(
    ("address", "asn", "network", "provider", "country"),
    [
        ("198.51.100.1", 64500, "eyeball", "", "AT"),
        ("198.51.100.66", 64500, "tor", "Tor", "AT"),
        ("203.0.113.7", 64501, "mobile", "", "DE"),
        ("192.0.2.1", 64502, "hosting", "", "NL"),
        ("192.0.2.17", 64502, "vpn", "Example VPN", "NL"),
        ("192.0.2.47", 64502, "crawler", "Googlebot", "NL"),
        ("192.0.2.48", 64502, "hosting", "", "NL"),
        ("192.0.2.255", 64502, "hosting", "Example Cloud", "NL"),
        ("::ffff:192.0.2.17", 64502, "vpn", "Example VPN", "NL"),
        ("100.64.0.1", 64503, "unknown", "", "US"),
        ("2001:db8::1", 64500, "eyeball", "", "AT"),
        ("2001:db8:8000::1", 64504, "relay", "Apple Private Relay", ""),
        ("2001:db8:8001::1", 64504, "unknown", "", ""),
        ("10.0.0.1", 0, "unknown", "", ""),
        ("::1", 0, "unknown", "", ""),
        ("255.255.255.255", 0, "unknown", "", ""),
        ("fe80::1%eth0", 0, "unknown", "", ""),
    ],
)
def test_what_an_address_tells(world: Path, address: str, asn: int, network: str, provider: str, country: str) -> None:
    found = Finder(world).find(address)
    assert (found.asn, found.network, found.source, found.country) == (asn, network, provider, country)


def test_a_system_is_told_with_its_name_its_spread_and_the_age_of_that(world: Path) -> None:
    find = Finder(world).find
    assert find("100.64.0.1") == Found("US", "", "", 64503, "Worldwide Telecom Ltd", 2.0, "unknown", "", MADE_MS)
    assert find("192.0.2.1").as_org == 'Example "Rack" Hosting, Inc.'
    assert find("192.0.2.17").made_ms == RANGES_MADE_S * 1000
    assert find("198.51.100.1")[:3] == ("AT", "Vienna", "Vienna")


def test_what_is_no_address_tells_nothing(world: Path) -> None:
    for text in ("", "unknown", "1.2.3", "1.2.3.4.5", "[::1]", "::1::"):
        assert Finder(world).find(text) == NOWHERE


def test_without_data_nothing_is_known_and_that_is_no_fault(tmp_path: Path) -> None:
    finder = Finder(tmp_path / "none")
    assert (finder.find("198.51.100.1"), finder.data.faults, finder.homes("Googlebot")) == (NOWHERE, [], frozenset())
    assert packages(tmp_path / "none") == []


def test_ranges_and_cities_and_crawlers_can_be_left_out(tmp_path: Path) -> None:
    folder = networks.built(tmp_path, tuple(Optional))
    finder = Finder(folder)
    assert finder.find("192.0.2.17")[3:8] == (64502, 'Example "Rack" Hosting, Inc.', 0.0, "hosting", "")
    assert finder.find("198.51.100.1").country == "AT"
    assert {each.name for each in packages(folder)} == {source.ASN.name, source.COUNTRY.name}


def test_what_was_taken_is_written_down_with_its_terms(world: Path) -> None:
    found = {each.name: each for each in packages(world)}
    assert set(found) == {each.name for each in source.SOURCES}
    assert found["iporigin"].made_ms == RANGES_MADE_S * 1000
    assert all(each.licence and each.attribution and each.link for each in found.values())
    assert "db-ip.com" in found[source.CITY.name].licence


def test_ages_are_whole_days() -> None:
    assert day_of("2.3.2026061719") == MADE_MS
    assert (day_of("1.1.2"), day_of("2.3.2026139919")) == (None, None)
    assert [days_old(MADE_MS, MADE_MS + late) for late in (-1, 86_399_999, 86_400_000)] == [0, 0, 1]


def test_addresses_are_not_remembered_without_end(world: Path) -> None:
    finder = Finder(world)
    bound = finder.find.cache_info().maxsize  # type: ignore[attr-defined]
    for number in range(bound + 100):
        finder.find(f"100.64.{number // 256 % 256}.{number % 256}" if number < 65_536 else f"100.65.0.{number % 256}")
    assert finder.find.cache_info().currsize == bound  # type: ignore[attr-defined]
