"""`pulse geo`: what it builds, tells and refuses."""

from pathlib import Path

import pytest
from msgspec import json
from typer.testing import CliRunner

from pulse.command.main import app
from pulse.diagnosis import networks as diagnosis
from pulse.diagnosis.finding import State
from pulse.network import source
from tests import networks
from tests.networks import MADE_MS

DAY_MS = 86_400_000


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder of its own, and beside it the packages."""
    monkeypatch.setenv("PULSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "packages").mkdir()
    networks.packages(tmp_path / "packages")
    return tmp_path / "data"


def test_an_update_builds_what_find_and_status_tell_of(data: Path) -> None:
    run = CliRunner().invoke
    made = run(app, ["geo", "update", "--from", str(data.parent / "packages")])
    assert made.exit_code == 0, made.output
    for each in source.SOURCES:
        assert each.name in made.output
        assert each.attribution.partition(";")[0] in made.output
    (data / "networks" / "own").mkdir()
    (data / "networks" / "own" / "vpn.txt").write_text("AS64503\nnonsense\n")
    found = json.decode(run(app, ["geo", "find", "100.64.0.1"]).output)
    assert (found["network"], found["source"], found["as_org"]) == ("vpn", "vpn.txt", "Worldwide Telecom Ltd")
    told = run(app, ["geo", "status"]).output
    assert "own/vpn.txt: 1 entries" in told
    assert "no network in line 2" in told
    listed = json.decode(run(app, ["geo", "status", "--json"]).output)
    assert {each["name"] for each in listed} == {each.name for each in source.SOURCES}


def test_a_package_can_be_left_out(data: Path) -> None:
    words = ["geo", "update", "--from", str(data.parent / "packages"), "--without", "iporigin"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert json.decode(CliRunner().invoke(app, ["geo", "find", "192.0.2.17"]).output)["network"] == "hosting"


def test_what_is_in_the_way_is_said_in_a_sentence(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = data.parent / "empty"
    empty.mkdir()
    failed = CliRunner().invoke(app, ["geo", "update", "--from", str(empty)])
    assert failed.exit_code == 1
    assert f"{empty} has no ip-location-db-asn-[0-9]*.tgz" in failed.output
    (data.parent / "file").touch()
    monkeypatch.setenv("PULSE_NETWORKS", str(data.parent / "file" / "networks"))
    failed = CliRunner().invoke(app, ["geo", "update", "--from", str(data.parent / "packages")])
    assert failed.exit_code == 1
    assert "cannot be written" in failed.output
    assert CliRunner().invoke(app, ["geo", "find", "localhost"]).exit_code == 1


def test_without_npm_it_is_said_what_to_do(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(data))
    failed = CliRunner().invoke(app, ["geo", "update"])
    assert failed.exit_code == 1
    assert "npm is not installed" in failed.output
    assert "--from" in failed.output


def test_what_a_registry_refuses_is_told(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = data.parent / "programs"
    programs.mkdir()
    (programs / "npm").write_text("#!/bin/sh\necho 'npm error code E404' >&2\nexit 1\n")
    (programs / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/bin:/usr/bin")
    failed = CliRunner().invoke(app, ["geo", "update"])
    assert failed.exit_code == 1
    assert "E404" in failed.output


def test_the_doctor_tells_of_data_that_are_missing_old_or_wrong(data: Path) -> None:
    folder = data / "networks"
    [missing] = diagnosis.look(folder, MADE_MS)
    assert (missing.state, "pulse geo update" in missing.remedy) == (State.warning, True)
    CliRunner().invoke(app, ["geo", "update", "--from", str(data.parent / "packages")])
    assert [each.state for each in diagnosis.look(folder, MADE_MS + 90 * DAY_MS)] == [State.ok]
    [aged] = diagnosis.look(folder, MADE_MS + 91 * DAY_MS)
    assert (aged.state, "91 days old" in aged.seen) == (State.warning, True)
    (folder / "own").mkdir()
    (folder / "own" / "what.txt").write_text("192.0.2.0/24\n")
    assert any("what.txt" in each.seen for each in diagnosis.look(folder, MADE_MS))
    (folder / "packages.json").write_text("{")
    assert diagnosis.look(folder, MADE_MS)[0].state == State.warning
