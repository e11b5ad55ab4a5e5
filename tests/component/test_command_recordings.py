"""`pulse recordings`: what is old goes, and who is to be forgotten; what cannot be done is said in a sentence."""

import time
from pathlib import Path

import pytest
from obstore.store import LocalStore
from typer.testing import CliRunner

from pulse.command.main import app
from pulse.recordings.layout import DAY_MS
from pulse.recordings.reading import sessions
from pulse.recordings.store import Objects
from tests.recordings import put, recorded, visit


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Objects:
    """What the command finds: sessions of today, of 40 and of 100 days ago."""
    monkeypatch.setenv("PULSE_DATA", str(tmp_path))
    monkeypatch.setenv("PULSE_RECORDINGS_URL", "folder")
    made = Objects(LocalStore(tmp_path / "recordings", mkdir=True))
    for back in (0, 40, 100):
        begin = time.time_ns() // 1_000_000 // DAY_MS * DAY_MS - back * DAY_MS
        put(made, "shop", [recorded(line) for line in visit(back, begin, user_id=f"u{back}")])
    return made


def _left(objects: Objects) -> list[str]:
    return [each.meta.session_id for each in sessions(objects, "shop", None, 0, 10)]


def test_what_is_old_goes(objects: Objects) -> None:
    done = CliRunner().invoke(app, ["recordings", "prune"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("2 objects (0.0 MB) of days before ")
    assert done.output.endswith("4 (0.0 MB) are left\n")
    assert _left(objects) == ["s0", "s40"]
    assert CliRunner().invoke(app, ["recordings", "prune", "--days", "30"]).output.startswith("2 objects")
    assert _left(objects) == ["s0"]


def test_who_is_to_be_forgotten_goes(objects: Objects) -> None:
    for words in (["--visitor", "v0"], ["--session", "s100"]):
        done = CliRunner().invoke(app, ["recordings", "forget", "--site", "shop", *words])
        assert (done.exit_code, done.output) == (0, "2 objects were deleted\n")
    assert _left(objects) == ["s40"]
    other = CliRunner().invoke(app, ["recordings", "forget", "--site", "blog", "--visitor", "v40"])
    assert other.output == "0 objects were deleted\n"
    assert _left(objects) == ["s40"]


@pytest.mark.parametrize("words", [[], ["--visitor", "v0", "--user", "u0"]])
def test_one_is_named_at_a_time(objects: Objects, words: list[str]) -> None:
    failed = CliRunner().invoke(app, ["recordings", "forget", "--site", "shop", *words])
    assert failed.exit_code == 1
    assert "name one of --visitor, --user and --session" in failed.output
    assert len(_left(objects)) == 3


def test_without_a_place_there_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PULSE_DATA", str(tmp_path))
    monkeypatch.delenv("PULSE_RECORDINGS_URL", raising=False)
    failed = CliRunner().invoke(app, ["recordings", "prune"])
    assert failed.exit_code == 1
    assert "PULSE_RECORDINGS_URL is empty: there are no recordings" in failed.output


def test_a_dry_run_names_the_sessions_and_deletes_none(objects: Objects) -> None:
    words = ["recordings", "forget", "--site", "shop", "--visitor", "v40", "--dry-run"]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, done.output) == (0, '"s40"\n')
    assert len(_left(objects)) == 3


def test_where_they_were_is_pruned_after_recording_was_ended(
    objects: Objects, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PULSE_RECORDINGS_URL", "")
    done = CliRunner().invoke(app, ["recordings", "prune", "--url", f"file://{tmp_path}/recordings"])
    assert done.exit_code == 0, done.output
    assert _left(objects) == ["s0", "s40"]


@pytest.mark.parametrize(
    "words",
    [
        ["forget", "--site", "..", "--visitor", "v0"],
        ["forget", "--site", "", "--visitor", "v0"],
        ["forget", "--site", "a/b", "--session", "s0"],
        ["prune", "--days", "1000000000"],
    ],
)
def test_what_cannot_be_is_refused(objects: Objects, words: list[str]) -> None:
    failed = CliRunner().invoke(app, ["recordings", *words])
    assert (failed.exit_code, isinstance(failed.exception, SystemExit)) == (2, True)
    assert len(_left(objects)) == 3
