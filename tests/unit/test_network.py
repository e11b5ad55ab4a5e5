"""What an address tells: from packages to the table, with the operator's own files, and when files change."""

import os
from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.command.geo import Optional
from pulse.errors import PulseError
from pulse.network import crawlers, fetching, reading, source, table
from pulse.network.classify import System, kind_of
from pulse.network.crawlers import Bot, Crawlers, Entry, claim_of
from pulse.network.entropy import country_entropy
from pulse.network.finder import PACKAGES, Finder, packages
from pulse.network.found import NOWHERE, Found, told
from pulse.network.kind import BotKind, Kind
from pulse.network.own import Own
from pulse.network.ranges import NONE, joined, key, layer, nested
from pulse.network.source import day_of, days_old
from pulse.network.update import update
from tests import networks
from tests.networks import MADE_MS, RANGES_MADE_S


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is built of the packages; nobody writes there."""
    return networks.built(tmp_path_factory.mktemp("world"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of networks with the table in it, and a folder `own`."""
    folder = networks.built(tmp_path)
    (folder / "own").mkdir()
    return folder


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


@pytest.mark.parametrize("name", [table.NAME, crawlers.NAME, "city4.mmdb"])
def test_a_file_that_cannot_be_read_is_said_so_and_done_without(own: Path, name: str) -> None:
    (own / name).write_bytes(b"not what it should be")
    finder = Finder(own)
    [fault] = finder.data.faults
    assert name in fault
    assert finder.find("198.51.100.1").country == "AT"


def test_a_table_of_another_version_is_said_so(own: Path) -> None:
    odd = pa.table({"v4": [[1]]}).replace_schema_metadata({"pulse": '{"built_ms":1,"taken":[]}'})
    with pa.OSFile(str(own / table.NAME), "wb") as file, pa.ipc.new_file(file, odd.schema) as writer:
        writer.write_table(odd)
    with pytest.raises(PulseError, match=r"other columns.*pulse geo update"):
        table.Table(own / table.NAME)


@pytest.mark.parametrize(
    ("blob", "why"),
    [(b"", "format"), (b"IPORIGIN" + bytes(20), "format"), (b"ELSEWISE" + bytes(40), "ELSEWISE")],
)
def test_ranges_of_another_format_are_said_so(blob: bytes, why: str) -> None:
    with pytest.raises(PulseError, match=why):
        reading.origins(blob)


@pytest.mark.parametrize("line", ["1,2,3", "a,2,3,x", "1,2,,x"])
def test_a_line_that_is_no_range_is_said_so(line: str) -> None:
    with pytest.raises(PulseError, match="line 2"):
        reading.systems(["1,2,3,x", line], [])


def test_a_package_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(PulseError, match=r"ip-location-db-asn-\[0-9\]\*\.tgz"):
        fetching.find(source.ASN, tmp_path)


def test_an_update_that_fails_leaves_what_is_there(own: Path) -> None:
    before = (own / table.NAME).read_bytes()
    (own.parent / f"ip-location-db-asn-{networks.VERSION}.tgz").write_bytes(b"broken")
    with pytest.raises(PulseError, match=r"package\.json"):
        update(own, lambda each: fetching.find(each, own.parent), source.SOURCES, 0, lambda what: None)
    assert (own / table.NAME).read_bytes() == before


def test_an_update_mends_a_note_of_packages_that_cannot_be_read(own: Path) -> None:
    (own / PACKAGES).write_bytes(b"broken")
    with pytest.raises(PulseError, match=r"pulse geo update"):
        packages(own)
    update(own, lambda each: fetching.find(each, own.parent), source.SOURCES, 0, lambda what: None)
    assert {each.name for each in packages(own)} == {each.name for each in source.SOURCES}


def test_an_update_says_what_it_does(tmp_path: Path) -> None:
    said: list[str] = []
    brought = networks.packages(tmp_path)
    update(tmp_path / "n", lambda each: fetching.find(each, brought), source.SOURCES, 0, said.append)
    assert [word for word in said if word.startswith("fetching")] == [
        f"fetching {each.name}: {each.tells}" for each in source.SOURCES
    ]


def test_ages_are_whole_days() -> None:
    assert day_of("2.3.2026061719") == MADE_MS
    assert (day_of("1.1.2"), day_of("2.3.2026139919")) == (None, None)
    assert [days_old(MADE_MS, MADE_MS + late) for late in (-1, 86_399_999, 86_400_000)] == [0, 0, 1]


# the operator's own files


def test_lists_of_the_operators_own_go_before_all_others(own: Path) -> None:
    (own / "own" / "vpn-ours.txt").write_text(
        "# ours\n198.51.100.0/28 an office\n\n2001:db8:8000::/40\nAS64503 # all\n"
    )
    (own / "own" / "eyeball.csv").write_text("192.0.2.20,a partner\n198.51.100.8/29\n")
    (own / "own" / "notes.md").write_text("what the files are for")
    finder = Finder(own)
    assert finder.data.faults == []
    said = {address: finder.find(address)[6:8] for address in ("198.51.100.1", "198.51.100.9", "198.51.100.66")}
    assert said == {
        "198.51.100.1": ("vpn", "vpn-ours.txt"),
        "198.51.100.9": ("eyeball", "eyeball.csv"),
        "198.51.100.66": ("tor", "Tor"),
    }
    assert finder.find("192.0.2.20").network == "eyeball"
    assert finder.find("2001:db8:8000::1").source == "vpn-ours.txt"
    assert finder.find("100.64.0.1").network == "vpn"
    assert finder.find("198.51.100.1").asn == 64500
    assert finder.data.own.files == {"eyeball.csv": 2, "vpn-ours.txt": 3}


def test_what_is_wrong_in_a_list_is_said_and_the_rest_counts(own: Path) -> None:
    (own / "own" / "vpn.txt").write_text("192.0.2.0/33\n198.51.100.0/24\nAS\nx\ny\n")
    (own / "own" / "strange.txt").write_text("198.51.100.0/24\n")
    (own / "own" / "a.mmdb").write_text("none")
    finder = Finder(own)
    assert finder.find("198.51.100.1").network == "vpn"
    faults = "\n".join(finder.data.faults)
    assert "vpn.txt: no network in line 1, 3, 4 and others" in faults
    assert "strange.txt: a list's name begins with its kind, one of tor, relay, vpn" in faults
    assert "a.mmdb cannot be read" in faults


def test_a_file_that_cannot_be_looked_at_is_said_so_and_the_others_count(own: Path) -> None:
    (own / "own" / "vpn.txt").write_text("198.51.100.0/24\n")
    for path in (own / "own" / "tor.txt", own / "own" / "a.mmdb", own / table.NAME):
        path.unlink(missing_ok=True)
        path.symlink_to("x" * 300)  # no system lets anybody look at such a name
    finder = Finder(own)
    assert finder.find("198.51.100.1").network == "vpn"
    assert finder.data.own.files == {"vpn.txt": 1}
    faults = "\n".join(finder.data.faults)
    assert len(finder.data.faults) == 3
    for name in ("tor.txt", "a.mmdb", table.NAME):
        assert f"{name} cannot be read: File name too long" in faults


def test_a_file_that_cannot_be_read_to_its_end_is_left_out_altogether(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lines(path: Path) -> Iterator[tuple[int, IPv4Network | int]]:
        yield 1, IPv4Network("203.0.113.0/24") if path.name == "tor.txt" else IPv4Network("198.51.100.0/24")
        if path.name == "tor.txt":
            raise PermissionError(13, "Permission denied")

    finder = Finder(own)
    (own / "own" / "tor.txt").touch()
    (own / "own" / "vpn.txt").touch()
    monkeypatch.setattr("pulse.network.own.lines_of", lines)
    assert finder.renew()
    assert finder.data.faults == [f"{own / 'own' / 'tor.txt'} cannot be read: Permission denied"]
    assert finder.data.own.files == {"vpn.txt": 1}
    assert [finder.find(address).network for address in ("198.51.100.1", "203.0.113.7")] == ["vpn", "mobile"]


def test_a_file_that_may_be_read_again_is(own: Path) -> None:
    path = own / "own" / "vpn.txt"
    path.write_text("198.51.100.0/24\n")
    finder = Finder(own)
    path.chmod(0o400 if path.stat().st_mode & 0o77 else 0o644)
    assert finder.renew()
    assert not finder.renew()


def test_a_folder_that_is_none_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "own").touch()
    assert Finder(tmp_path).data.faults == [f"{tmp_path / 'own'} cannot be read: Not a directory"]


def test_a_file_whose_name_cannot_be_written_down_is_said_so_and_left_out(own: Path) -> None:
    finder = Finder(own)
    Path(os.fsdecode(os.fsencode(own / "own") + b"/vpn-\xff.txt")).write_text("198.51.100.0/24\n")
    assert finder.renew()
    assert not finder.renew()
    assert finder.find("198.51.100.1").network == "eyeball"
    assert finder.data.faults == ["vpn-\\xff.txt: a file's name must be UTF-8"]


def test_lists_count_without_the_packages(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "hosting.txt").write_text("192.0.2.0/24\n")
    find = Finder(tmp_path).find
    assert (find("192.0.2.1").network, find("192.0.3.1").network) == ("hosting", "")


def test_databases_of_the_operators_own_go_before_the_packages(own: Path) -> None:
    records: dict[str, dict[str, Any]] = {
        "198.51.100.0/25": {"country": {"iso_code": "CH"}, "city": {"names": {"en": "Chur"}}},
        "192.0.2.0/28": {"autonomous_system_number": 64503},
        "192.0.2.16/28": {"autonomous_system_number": 64999, "autonomous_system_organization": "Elsewhere"},
        "203.0.113.0/24": {"is_anonymous_vpn": True},
    }
    (own / "own" / "any.mmdb").write_bytes(networks.database(records, 4))
    find = Finder(own).find
    assert find("198.51.100.1")[:4] == ("CH", "", "Chur", 64500)
    assert find("198.51.100.200")[:3] == ("AT", "Vienna", "Vienna")
    assert find("192.0.2.1") == Found("NL", "", "", 64503, "Worldwide Telecom Ltd", 2.0, "unknown", "", MADE_MS)
    assert find("192.0.2.17")[3:8] == (64999, "Elsewhere", 0.0, "vpn", "Example VPN")
    assert find("203.0.113.1")[6:] == ("vpn", "any.mmdb", MADE_MS // 1000 * 1000)
    assert find("2001:db8::1").asn == 64500


def test_records_of_any_schema_are_told() -> None:
    assert told({"asn": "AS64500", "as_name": "N", "country_code": "at"})[:5] == ("AT", "", "", 64500, "N")
    assert told({"traits": {"user_type": "cellular"}}).network == "mobile"
    assert told({"connection_type": "Cable/DSL"}).network == "eyeball"
    assert told({"is_tor_exit_node": True, "is_anonymous_vpn": True}).network == "tor"
    assert told({"asn": None, "city": 7, "country": []}) == NOWHERE


@pytest.mark.parametrize("number", ["²", "AS4294967296", 4_294_967_296, -1, "1e3"])
def test_what_is_no_number_of_a_system_is_none(number: Any) -> None:
    assert told({"asn": number, "country_code": "at"}) == Found("AT")
    assert told({"autonomous_system_number": number}) == NOWHERE
    assert told({"asn": "AS4294967295"}).asn == 4_294_967_295


def test_records_that_cannot_be_told_tell_nothing_and_are_warned_of_once(
    own: Path, caplog: pytest.LogCaptureFixture
) -> None:
    records: dict[str, dict[str, Any]] = {
        "198.51.100.0/26": {"subdivisions": {"iso_code": "9"}, "country_code": "CH"},
        "198.51.100.64/26": {"city": {"names": "Chur"}},
        "198.51.100.128/26": {"country": {"iso_code": "CH"}},
        "192.0.2.0/24": {"country_code": "CH", "city": "Chur"},
    }
    content = networks.database(records, 4)
    assert content.count(b"\x42CH") == 3
    beyond = b"\x28\xff\xff"  # a pointer to where the file has ended
    broken = content.replace(b"\x48iso_code\x42CH", b"\x48iso_code" + beyond)
    (own / "own" / "odd.mmdb").write_bytes(broken)
    find = Finder(own).find
    for last in (1, 2, 65, 66, 129, 130):
        assert find(f"198.51.100.{last}")[:4] == ("AT", "Vienna", "Vienna", 64500)
    assert find("192.0.2.1")[:4] == ("CH", "", "Chur", 64502)
    warned = [record.getMessage() for record in caplog.records if "odd.mmdb" in record.getMessage()]
    assert len(warned) == 3
    for kind in ("KeyError", "AttributeError", "InvalidDatabaseError"):
        assert any(each.endswith(f": {kind}") for each in warned), warned


def test_files_are_taken_anew_when_they_change(own: Path) -> None:
    finder = Finder(own)
    assert finder.find("198.51.100.1").network == "eyeball"
    assert not finder.renew()
    (own / "own" / "vpn.txt").write_text("198.51.100.0/24\n")
    assert finder.renew()
    assert finder.find("198.51.100.1").network == "vpn"
    (own / "own" / "vpn.txt").unlink()
    (own / table.NAME).unlink()
    assert finder.renew()
    assert finder.find("198.51.100.1")[:7] == ("AT", "Vienna", "Vienna", 0, "", 0.0, "")


def test_a_table_is_replaced_under_the_eyes_of_who_reads_it(own: Path) -> None:
    finder = Finder(own)
    networks.built(own.parent)
    assert finder.find("192.0.2.17").network == "vpn"
    assert finder.renew()
    assert finder.find("192.0.2.17").network == "vpn"


def test_addresses_are_not_remembered_without_end(world: Path) -> None:
    finder = Finder(world)
    bound = finder.find.cache_info().maxsize  # type: ignore[attr-defined]
    for number in range(bound + 100):
        finder.find(f"100.64.{number // 256 % 256}.{number % 256}" if number < 65_536 else f"100.65.0.{number % 256}")
    assert finder.find.cache_info().currsize == bound  # type: ignore[attr-defined]


def test_an_empty_folder_of_the_operators_own_says_nothing(tmp_path: Path) -> None:
    assert (Own(tmp_path).files, Own(tmp_path / "none").faults) == ({}, [])


# crawlers


@pytest.fixture(scope="module")
def named(world: Path) -> Crawlers:
    return crawlers.read(world / crawlers.NAME)


@pytest.mark.parametrize(
    ("agent", "bot"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", Bot("Googlebot", "search", "Googlebot")),
        ("Tiny Tiny RSS/1.11", Bot("Tiny Tiny RSS", "feed")),
        ("example-bot", Bot("sample-Bot", "seo")),
        ("python-requests/2.31", Bot("python-requests", "library")),
        ("msnbot/2.0b", Bot("", "", "Bingbot")),
        ("Mozilla/5.0 (X11; Linux x86_64)", Bot()),
        ("", Bot()),
    ],
)
def test_bots_are_named(named: Crawlers, agent: str, bot: Bot) -> None:
    assert named.named(agent) == bot


def test_a_pattern_that_cannot_be_matched_is_left_out(named: Crawlers) -> None:
    assert len(named) == len(networks.CRAWLERS) - 1


def test_without_a_list_claims_are_still_seen() -> None:
    assert Crawlers().named("Googlebot/2.1") == Bot("", "", "Googlebot")
    assert Crawlers([Entry("x", "X", BotKind.other)]).named("a") == Bot()


@pytest.mark.parametrize(
    "listed", [b"", b"{}", b"[{}]", b'[{"pattern": 1}]', b'[{"pattern": "(x|y)", "instances": 1}]']
)
def test_another_list_is_said_so(listed: bytes) -> None:
    with pytest.raises(PulseError, match="not the list that Pulse reads"):
        crawlers.entries_of(listed)


def test_a_claim_is_verified_by_range_and_refuted_by_system(world: Path) -> None:
    finder = Finder(world)
    homes = finder.homes("Googlebot")
    assert homes == {64502}
    said = {
        address: claim_of("Googlebot", finder.find(address), homes)
        for address in ("192.0.2.40", "192.0.2.1", "198.51.100.1", "10.0.0.1")
    }
    assert said == {"192.0.2.40": "verified", "192.0.2.1": "", "198.51.100.1": "spoofed", "10.0.0.1": ""}
    assert claim_of("Bingbot", finder.find("198.51.100.1"), finder.homes("Bingbot")) == ""
    assert claim_of("Googlebot", NOWHERE, homes) == ""
