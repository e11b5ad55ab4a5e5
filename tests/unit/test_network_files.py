"""The files of networks: packages that are taken, those of the operator's own, and when they change or cannot be read."""

import os
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pulse.errors import PulseError
from pulse.network import crawlers, fetching, reading, source, table
from pulse.network.finder import PACKAGES, Finder, packages
from pulse.network.found import NOWHERE, Found, told
from pulse.network.own import Own
from pulse.network.update import update
from tests import networks
from tests.networks import MADE_MS


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of networks with the table in it, and a folder `own`."""
    folder = networks.built(tmp_path)
    (folder / "own").mkdir()
    return folder


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


@pytest.mark.parametrize("size", [0, 60])
def test_a_database_of_ones_own_may_be_overwritten_while_it_is_read(own: Path, size: int) -> None:
    path = own / "own" / "any.mmdb"
    path.write_bytes(networks.database({"198.51.100.0/24": {"country": {"iso_code": "CH"}}}, 4))
    finder, given = Finder(own), Finder(own.parent / "none", path)
    os.truncate(path, size)
    assert (finder.find("198.51.100.1").country, given.find("198.51.100.1").country) == ("CH", "CH")
    assert finder.renew()
    assert finder.find("198.51.100.1").country == "AT"
    assert [fault for fault in finder.data.faults if "any.mmdb cannot be read" in fault]


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


def test_an_empty_folder_of_the_operators_own_says_nothing(tmp_path: Path) -> None:
    assert (Own(tmp_path).files, Own(tmp_path / "none").faults) == ({}, [])
