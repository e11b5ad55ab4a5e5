"""The `pulse` command as a user types it: a process of its own, with a product's settings."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


def pulse(
    environment: Mapping[str, str], *words: str | Path, given: str | bytes = b"", expect: int = 0, within: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; its exit code must be `expect`, and no failure may be a traceback."""
    done = subprocess.run(
        command(*words),
        cwd=ROOT,
        env={**without_settings(), **environment},
        input=given if isinstance(given, bytes) else given.encode(),
        capture_output=True,
        timeout=within,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == expect, f"{words} ended with {done.returncode}:\n{out}\n{err}"
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def command(*words: str | Path) -> list[str]:
    """The words to start it with."""
    return [sys.executable, "-W", "error", "-m", "pulse.command.main", *map(str, words)]


def without_settings() -> dict[str, str]:
    """This process's environment without what would point a command elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PULSE_")}
