"""What is told of an import that is done."""

from collections.abc import Sequence
from typing import Any

from xxhash import xxh3_128_hexdigest

from pulse.notice import Notice

DONE = "import.done"
MOST_FILES = 10_000
"""Of one import."""
MOST_NAMED = 100
"""Files that are told by their names."""


def notice_of(
    site_id: str, run: str, files: Sequence[str], accepted: int, refused: int, seconds: float, at: int
) -> Notice:
    """The notice of an import that ended at a moment; its id follows from site and run, so that it is told once.

    Of files their names are told without where they lie.
    """
    names = [name_of(file) for file in files]
    data: dict[str, Any] = {
        "title": names[0] if len(names) == 1 else f"{len(names)} files",
        "reason": f"{accepted:,} events accepted, {refused:,} lines refused, in {seconds:,.1f} s",
        "severity": "warning" if refused else "info",
        "files": names[:MOST_NAMED],
        "accepted": accepted,
        "refused": refused,
        "seconds": round(seconds, 3),
    }
    made = xxh3_128_hexdigest(f"{site_id}\0{run}".encode())
    return Notice(id=f"import-{made}", kind=DONE, site_id=site_id, at=at, data=data)


def name_of(file: str) -> str:
    """A file's name without its path, whichever slashes that has."""
    return file.replace("\\", "/").rstrip("/").rpartition("/")[2]
