"""The spool's writing end: entries go to the open segment, all of one commit with one fsync. For one thread."""

import os
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from api.collector.spool import entry, folder, segment
from api.collector.spool.entry import Entry
from api.collector.spool.segment import HEADER_BYTES, Segment

PROBE = "probe"
PROBE_BYTES = 1024 * 1024


class Committed(NamedTuple):
    """What became of a commit: the first `taken` entries are durable, up to `size` of `segment`.

    `lacked` are the bytes for which there was no room, `error` is why the disk took nothing.
    """

    segment: Segment | None = None
    size: int = 0
    taken: int = 0
    lacked: int = 0
    error: str | None = None
    seconds: float = 0.0


class Writer:
    """Appends to segments of about `segment_bytes`, the first of which gets the number `number`."""

    def __init__(self, path: Path, number: int, segment_bytes: int) -> None:
        self._path = path
        self._number = number
        self._segment_bytes = segment_bytes
        self._open: Segment | None = None
        self._file = -1
        self._size = 0

    def commit(self, entries: Sequence[Entry], room: int) -> Committed:
        """Make as many of the entries durable as there are bytes of room for, in order; all of these or none."""
        try:
            return self._commit(entries, room)
        except OSError as error:
            self.seal()
            return Committed(error=error.strerror or str(error))

    def seal(self) -> None:
        """Append no more to the open segment; one that holds nothing is no more."""
        sealed, self._open = self._open, None
        if sealed is not None:
            os.close(self._file)
            sealed.is_open = False
            if self._size == HEADER_BYTES:
                with suppress(OSError):
                    sealed.path.unlink()

    def probe(self) -> bool:
        """Whether the disk takes anything again."""
        path = self._path / PROBE
        try:
            with path.open("wb") as file:
                file.write(bytes(PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            return False
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        return True

    def _commit(self, entries: Sequence[Entry], room: int) -> Committed:
        own = self._open or self._begin()
        is_new = self._size == HEADER_BYTES
        packed, lacked = _packed(entries, own.id, room - (HEADER_BYTES if is_new else 0))
        if not packed:
            return Committed(lacked=lacked)
        begun = time.perf_counter()
        data = b"".join(packed)
        segment.append(self._file, self._size, data)
        if is_new:
            folder.sync(self._path)
        self._size += len(data)
        done = Committed(own, self._size, len(packed), lacked, None, time.perf_counter() - begun)
        if self._size >= self._segment_bytes:
            self.seal()
        return done

    def _begin(self) -> Segment:
        made = Segment(self._number, segment.path_of(self._path, self._number), random.getrandbits(64), is_open=True)
        self._file = segment.create(made.path, made.id)
        self._number += 1
        self._open, self._size = made, HEADER_BYTES
        return made


def _packed(entries: Sequence[Entry], seed: int, room: int) -> tuple[list[bytes], int]:
    """The entries that there is room for, packed, and the bytes that the first other one wants."""
    packed: list[bytes] = []
    for each in entries:
        data = entry.pack(each, seed)
        if len(data) > room:
            return packed, len(data)
        packed.append(data)
        room -= len(data)
    return packed, 0
