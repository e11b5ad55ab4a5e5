"""The spool's folder: one process's alone, with what an earlier one left in it."""

import fcntl
import logging
import os
from contextlib import suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from struct import Struct

from xxhash import xxh3_64_intdigest

from api.collector.spool import entry, segment
from api.collector.spool.segment import Damaged, Segment
from pulse.errors import SettingError
from pulse.spool import SUFFIX

LOCK = "lock"
CURSOR = "cursor"
DAMAGED = ".damaged"
CHECKED_BYTES = 32 * 1024 * 1024
_CURSOR = Struct("<QQ")
_SUM = Struct("<Q")

log = logging.getLogger(__name__)


def take(folder: Path) -> int:
    """Make a folder this process's own, until the file that is returned is closed; raises SettingError."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        for each in (folder, *list(folder.resolve().parents)[:2]):
            sync(each)
    except OSError as error:
        raise SettingError(
            f"PULSE_SPOOL: {folder} cannot be used: {error.strerror}; PULSE_SPOOL_MB=0 does without"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise SettingError(
            f"PULSE_SPOOL: {folder} is in use by another process: give each collector a PULSE_INSTANCE of its own"
        ) from None
    return file


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


class Left:
    """What an earlier process left: its segments in order; bytes `cut` off a torn end and `lost` with damaged files."""

    def __init__(self, folder: Path) -> None:
        self.segments: list[Segment] = []
        self.cut = self.lost = 0
        self.next = 1
        cursor = read_cursor(folder)
        paths = sorted(folder.glob(f"*{SUFFIX}"))
        for path in paths:
            self.next = int(path.stem) + 1
            self._take(path, path is paths[-1], cursor)

    def _take(self, path: Path, is_last: bool, cursor: tuple[int, int] | None) -> None:
        size = path.stat().st_size
        try:
            id = segment.id_of(path)
        except Damaged as error:
            self._refuse(path, size, is_last, str(error))
            return
        made = Segment(int(path.stem), path, id, size)
        if is_last:
            self._cut(made)
        if cursor is not None and cursor[0] == id:
            made.done = min(cursor[1], made.size)
        if made.done < made.size:
            made.records, made.events = _weighed(made)
            self.segments.append(made)
        else:
            path.unlink()

    def _cut(self, made: Segment) -> None:
        """An end that is no whole entry was being written when its process ended: nobody was told that it is kept."""
        at, gaps = made.done, []
        while at < made.size:
            scanned = segment.read(made.path, made.id, at, made.size, CHECKED_BYTES, stretch=made.size)
            gaps, at = scanned.gaps, scanned.at
        if gaps and gaps[-1][1] == made.size:
            torn = made.size - gaps[-1][0]
            log.warning("the spool's end is torn and is cut off", extra={"file": str(made.path), "bytes": torn})
            os.truncate(made.path, gaps[-1][0])
            self.cut, made.size = self.cut + torn, gaps[-1][0]

    def _refuse(self, path: Path, size: int, is_last: bool, why: str) -> None:
        """A last one too short for its header was just begun; any other is put aside, for somebody to look at."""
        if is_last and size < segment.HEADER_BYTES:
            path.unlink()
            self.cut += size
            return
        log.error("%s: %d bytes are lost", why, size)
        path.rename(path.with_suffix(SUFFIX + DAMAGED))
        self.lost += size


def _weighed(made: Segment) -> tuple[int, int]:
    with made.path.open("rb") as file, mmap(file.fileno(), made.size, access=ACCESS_READ) as data:
        return entry.weigh(data, made.done)


def read_cursor(folder: Path) -> tuple[int, int] | None:
    """How far which segment, by its id, is in the log; None if that is not known."""
    with suppress(OSError):
        data = (folder / CURSOR).read_bytes()
        if len(data) == _CURSOR.size + _SUM.size and _sum(data[: _CURSOR.size]) == data[_CURSOR.size :]:
            id, done = _CURSOR.unpack_from(data)
            return id, done
    return None


def write_cursor(folder: Path, id: int, done: int) -> None:
    """Note how far a segment is in the log. It only spares repetitions: where it cannot be written, there are more."""
    data = _CURSOR.pack(id, done)
    with suppress(OSError):
        new = folder / f"{CURSOR}.new"
        new.write_bytes(data + _sum(data))
        new.replace(folder / CURSOR)


def _sum(data: bytes) -> bytes:
    return _SUM.pack(xxh3_64_intdigest(data))
