"""`make setup` on machines that differ: it makes .venv once, or says in one sentence what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "dirname", "cat", "cp", "cmp", "rm", "chmod", "mkdir")
COMMAND = "import os, sys; print(os.environ['PULSE_DATA'], *sys.argv[1:])"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree in a folder with a space, that needs no packages and whose pulse command says how it was called."""
    made = tmp_path / "the tree"
    (made / "deploy").mkdir(parents=True)
    shutil.copy(ROOT / "deploy/setup.sh", made / "deploy/setup.sh")
    (made / "requirements.lock").write_text("# nothing\n")
    (made / "pulse/command").mkdir(parents=True)
    (made / "pulse/command/main.py").write_text(COMMAND)
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder to be the whole PATH: the shell's tools, no Python."""
    made = tmp_path / "bin"
    made.mkdir()
    for tool in TOOLS:
        (made / tool).symlink_to(shutil.which(tool) or tool)
    return made


def program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def setup(tree: Path, path: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "HOME": str(path / "no-home")}
    command = ["sh", str(tree / "deploy/setup.sh")]
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def test_it_makes_the_environment_once(tree: Path, path: Path) -> None:
    (path / "python3.11").symlink_to(Path(sys.executable).resolve())
    first = setup(tree, path)
    assert first.returncode == 0, first.stderr
    assert "making .venv" in first.stderr
    again = setup(tree, path)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_the_command_runs_from_any_folder_on_the_data_of_the_tree(tree: Path, path: Path, tmp_path: Path) -> None:
    (path / "python3").symlink_to(Path(sys.executable).resolve())
    assert setup(tree, path).returncode == 0
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "pulse").mkdir(parents=True)
    said = [
        subprocess.run(
            [tree / ".venv/bin/pulse", "a b", "c"], cwd=elsewhere, env=env, capture_output=True, text=True, check=True
        )
        for env in ({"PATH": os.environ["PATH"]}, {"PATH": os.environ["PATH"], "PULSE_DATA": "/mine"})
    ]
    assert [each.stdout for each in said] == [f"{tree}/.pulse a b c\n", "/mine a b c\n"]


def test_a_changed_lock_is_installed_and_its_failure_is_told_again(tree: Path, path: Path) -> None:
    (path / "python3").symlink_to(Path(sys.executable).resolve())
    assert setup(tree, path).returncode == 0
    (tree / "requirements.lock").write_text("no requirement at all\n")
    for _ in range(2):
        said = setup(tree, path)
        assert said.returncode == 1
        assert "Invalid requirement" in said.stderr
        assert "the packages could not be installed" in said.stderr


def test_an_old_python_is_told_in_one_sentence(tree: Path, path: Path) -> None:
    program(path / "python3", 'case "$2" in *platform*) echo 3.9.2;; *) exit 1;; esac')
    said = setup(tree, path)
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1
    assert "Pulse needs Python 3.11, 3.12 or 3.13 (found: 3.9.2): install it with 'sudo apt-get install" in said.stderr


def test_no_python_is_told_in_one_sentence(tree: Path, path: Path) -> None:
    said = setup(tree, path)
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert "(found: none)" in said.stderr


def test_a_python_without_venv_is_told_in_one_sentence(tree: Path, path: Path) -> None:
    real = Path(sys.executable).resolve()
    program(path / "python3", f'case "$2" in *ensurepip*) exit 1;; *) exec {real} "$@";; esac')
    said = setup(tree, path)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert said.returncode == 1
    assert f"has no venv: install it with 'sudo apt-get install python{version}-venv'" in said.stderr
    assert not (tree / ".venv").exists()
