"""A segment of the spool: a file that begins with what it is, to which entries are appended and synced."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct

from xxhash import xxh3_64_intdigest

from api.collector.spool import entry
from api.collector.spool.entry import Scanned
from pulse.errors import PulseError
from pulse.spool import SUFFIX

MAGIC = b"PulseSpl"
VERSION = 1

_HEAD = Struct("<8sIIQ")
_SUM = Struct("<Q")
HEADER_BYTES = _HEAD.size + _SUM.size
READ_BYTES = 4 * 1024 * 1024
"""As much of a segment is read at once: more than any entry."""


class Damaged(PulseError):
    """A file that does not begin as a segment does."""


@dataclass(eq=False)
class Segment:
    """A segment: `size` bytes of it are durable, those before `done` are in the log.

    `ahead` holds what is in the log beyond `done`, start by end; `records` and `events` are those not in the log yet.
    More may be appended while it `is_open`.
    """

    number: int
    path: Path
    id: int
    size: int = HEADER_BYTES
    done: int = HEADER_BYTES
    records: int = 0
    events: int = 0
    is_open: bool = False
    ahead: dict[int, int] = field(default_factory=dict)

    def mark(self, start: int, end: int) -> None:
        """What lies between is in the log, or is no entry."""
        self.ahead[start] = end
        while self.done in self.ahead:
            self.done = self.ahead.pop(self.done)


def path_of(folder: Path, number: int) -> Path:
    """Where the segment of a number lies; by their names they are in order."""
    return folder / f"{number:012d}{SUFFIX}"


def create(path: Path, id: int) -> int:
    """A new segment, open to be appended to; its header is durable with the first entries."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        head = _HEAD.pack(MAGIC, VERSION, 0, id)
        _write(file, head + _SUM.pack(xxh3_64_intdigest(head)), 0)
    except OSError:
        os.close(file)
        path.unlink()
        raise
    return file


def append(file: int, at: int, data: bytes) -> None:
    """Make `data` durable at the end of a segment; raises OSError, with the file as it was before."""
    try:
        _write(file, data, at)
        os.fdatasync(file)
    except OSError:
        os.ftruncate(file, at)
        raise


def id_of(path: Path) -> int:
    """The id in a segment's header; raises Damaged if there is none, OSError if it cannot be read."""
    with path.open("rb") as file:
        data = file.read(HEADER_BYTES)
    if len(data) < HEADER_BYTES or _SUM.pack(xxh3_64_intdigest(data[: _HEAD.size])) != data[_HEAD.size :]:
        raise Damaged(f"{path} does not begin as a segment of the spool does")
    magic, version, _, id = _HEAD.unpack_from(data)
    if magic != MAGIC or version != VERSION:
        raise Damaged(f"{path} is of a version of the spool that is not known here")
    return int(id)


def read(path: Path, id: int, at: int, size: int, most_bytes: int, stretch: int = READ_BYTES) -> Scanned:
    """The entries of a segment of `size` bytes from `at` on, up to about `most_bytes` of their NDJSON."""
    with path.open("rb") as file:
        file.seek(at)
        data = file.read(min(stretch, size - at))
    return entry.scan(data, at, id, at + len(data) >= size or not data, most_bytes)


def _write(file: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, at)
        view, at = view[written:], at + written
