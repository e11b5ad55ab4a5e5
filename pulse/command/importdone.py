"""Tells the query API that an import is done, which tells whoever wants to know."""

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import typer

from pulse.command import wire
from pulse.errors import PulseError
from pulse.importing.notice import MOST_FILES, name_of

LONGEST_NAME = 255


def tell(url: str, key: str, files: Sequence[Path], accepted: int, refused: int, seconds: float) -> None:
    """Tell of an import; that nobody hears it is said, and changes nothing of what was imported."""
    done = {
        "id": uuid4().hex,
        "files": [_name(file) for file in files[:MOST_FILES]],
        "accepted": accepted,
        "refused": refused,
        "seconds": seconds,
    }
    try:
        wire.call("POST", f"{url}/api/v1/imports", key, "the query API", json=done)
    except PulseError as why:
        typer.echo(f"webhooks are not told that the import is done: {why}", err=True)


def _name(file: Path) -> str:
    """As it can be sent: `standard input` for -."""
    shown = "".join(each if each.isprintable() else "?" for each in name_of(str(file)))
    return "standard input" if str(file) == "-" else shown[-LONGEST_NAME:] or "?"
