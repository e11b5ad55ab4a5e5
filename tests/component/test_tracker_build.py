"""The scripts that are served are those that tracker/ makes, and stay small."""

import gzip
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from api.collector.scripts import STATIC

TRACKER = Path(__file__).parents[2] / "tracker"
COMMAND = "sudo apt-get install nodejs npm"
SOURCES = shutil.ignore_patterns("node_modules")


def npm(folder: Path, *words: str) -> None:
    """Run npm; fails with what it says, or with the command that installs it."""
    found = shutil.which("npm")
    assert found, f"the tracker is built by npm and there is none: install it with `{COMMAND}`"
    environment = {**os.environ, "npm_config_update_notifier": "false", "npm_config_fund": "false"}
    done = subprocess.run([found, *words], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_served_is_what_the_sources_make_and_their_types_hold(tmp_path: Path) -> None:
    folder, made = tmp_path / "tracker", tmp_path / "made"
    shutil.copytree(TRACKER, folder, ignore=SOURCES)
    npm(folder, "ci", "--ignore-scripts", "--no-audit")
    npm(folder, "run", "check")
    npm(folder, "run", "build", "--", str(made))
    assert {each.name: each.read_text() for each in made.iterdir()} == {
        each.name: each.read_text() for each in STATIC.iterdir()
    }, "the scripts of api/collector/static are not current: run `npm ci && npm run build` in tracker/"


def test_the_lock_names_no_registry() -> None:
    assert "://" not in (TRACKER / "package-lock.json").read_text()


@pytest.mark.parametrize(
    ("names", "most"),
    [
        (["tracker"], 6_000),
        (["form"], 1_000),
        (["pulse"], 6_500),
        (["tracker", "vitals", "device"], 12_000),
    ],
)
def test_scripts_stay_small_on_their_way(names: list[str], most: int) -> None:
    assert sum(len(gzip.compress((STATIC / f"{name}.js").read_bytes(), 9)) for name in names) <= most
