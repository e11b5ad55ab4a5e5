"""`pulse migrate`: topics, tables, and the database of sites and keys, brought to this version."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct, json

from pulse.command import situation
from pulse.errors import PulseError

Verify = Annotated[
    bool, typer.Option("--verify", help="Change nothing; fail if the store's tables are not what the migrations make.")
]

ROOT = Path(__file__).resolve().parents[2]
STEPS = (
    ("topics", ("streams.topics",)),
    ("ClickHouse", ("clickhouse.migrate",)),
    ("sites and keys", ("api.control.migrate",)),
)
VERIFY = (("ClickHouse", ("clickhouse.migrate", "verify")),)


def migrate(verify: Verify = False) -> None:
    """Make what is missing of topics, tables, and the database of sites and keys; running it again changes nothing."""
    situation.settings()
    for what, words in VERIFY if verify else STEPS:
        _run(what, words)
        typer.echo(f"{what}: {'as the migrations make it' if verify else 'up to date'}")


def _run(what: str, words: Sequence[str]) -> None:
    """Run a module of the tree with this command's own settings, passing on what it waits for.

    Raises PulseError with its last words.
    """
    last = ""
    with subprocess.Popen(
        [sys.executable, "-m", *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as running:
        for line in running.stderr or ():
            said, is_warning = _said(line)
            last = said or last
            if is_warning:
                typer.secho(f"{what}: {said}", fg="yellow", err=True)
    if running.returncode:
        raise PulseError(f"{what}: {last or f'ended with {running.returncode}'}")


def _said(line: bytes) -> tuple[str, bool]:
    """The text of a line of standard error; of a line of the log its message, and whether it is a warning."""
    try:
        record = json.decode(line, type=_Record)
    except msgspec.DecodeError:
        return line.decode(errors="replace").strip(), False
    return record.message, record.level in ("warning", "error")


class _Record(Struct):
    message: str
    level: str
