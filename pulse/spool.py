"""Where collectors keep on disk what Kafka does not take."""

from contextlib import suppress
from pathlib import Path

FOLDER = "spool"
"""In the data folder; each collector has one of its own in it."""
SUFFIX = ".spool"


def waiting(folder: Path) -> int:
    """Bytes of accepted events that wait in a folder of spools."""
    size = 0
    for file in folder.rglob(f"*{SUFFIX}"):
        with suppress(FileNotFoundError):
            size += file.stat().st_size
    return size
