"""Work that is done elsewhere in the tree: a module run by its name, which says in lines of JSON how far it is."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from os import SEEK_END
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TypeVar

import msgspec
from msgspec import Struct, json

from pulse.command.meter import Amount, amount
from pulse.errors import PulseError

ROOT = Path(__file__).resolve().parents[2]
LAST_BYTES = 8_192
Found = TypeVar("Found")


class Progress(Struct):
    """How far it is: `done` of `of`."""

    what: str
    done: int
    of: int


class Work:
    """A module with its words, started with this command's own settings."""

    def __init__(self, module: str, words: Sequence[str]) -> None:
        self._command = [sys.executable, "-m", module, *words]

    def results(self, kind: type[Found]) -> Iterator[Found]:
        """What it brings, as it comes; how far it is is shown meanwhile. Raises PulseError with its last words."""
        with amount() as shown, TemporaryFile() as said:
            with subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=said) as running:
                try:
                    for line in running.stdout or ():
                        found = _read(line, kind, shown)
                        if found is not None:
                            yield found
                except BaseException:
                    running.terminate()
                    raise
            if running.returncode:
                raise PulseError(_last_line(said) or f"{self._command[2]} ended with {running.returncode}")


def _last_line(said: IO[bytes]) -> str:
    said.seek(0, SEEK_END)
    said.seek(max(said.tell() - LAST_BYTES, 0))
    return said.read().decode(errors="replace").strip().rpartition("\n")[2]


def _read(line: bytes, kind: type[Found], shown: Amount) -> Found | None:
    try:
        at = json.decode(line, type=Progress)
    except msgspec.ValidationError:
        return json.decode(line, type=kind)
    shown.reached(at.what, at.done, at.of)
    return None
