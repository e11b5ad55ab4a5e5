"""A session of which the truth is known."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from msgspec import DecodeError, Meta, Struct, ValidationError, json

from pulse.errors import PulseError
from pulse.risk.code import SCORES
from pulse.risk.evidence import Evidence


class Labelled(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Evidence, and the scores that ought to be high."""

    evidence: Evidence
    truth: tuple[str, ...] = ()
    provider: Annotated[
        str, Meta(max_length=200, description="Whose network: a fit never judges what it has seen.")
    ] = ""
    people: Annotated[str, Meta(max_length=200, description="Whose sessions, as a heading of tables.")] = ""


def read(file: Path) -> list[Labelled]:
    """The labelled sessions of an NDJSON file; raises PulseError naming the line that is none."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as why:
        raise PulseError(f"{file} cannot be read: {why.strerror}") from None
    found = list(_each(file, lines))
    if not found:
        raise PulseError(f"{file} holds no sessions")
    return found


def _each(file: Path, lines: Iterable[bytes]) -> Iterator[Labelled]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            each = json.decode(line, type=Labelled)
        except (DecodeError, ValidationError, UnicodeDecodeError) as why:
            raise PulseError(f"{file}:{number} is no labelled session: {why}") from None
        unknown = set(each.truth) - set(SCORES)
        if unknown:
            raise PulseError(f"{file}:{number}: there is no score {', '.join(sorted(unknown))}")
        yield each
