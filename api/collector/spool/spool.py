"""The spool as the event loop sees it: records go in and are settled once durable, and come out in order."""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from api.collector import vital
from api.collector.gather import Record
from api.collector.spool import folder, segment
from api.collector.spool.entry import Entry, Found, Scanned
from api.collector.spool.meters import Meters
from api.collector.spool.segment import Segment
from api.collector.spool.writer import Committed, Writer
from pulse.errors import SettingError

MB = 1024 * 1024
SEGMENT_BYTES = 16 * MB
SEGMENTS = 8
"""A small spool has at least so many segments: what is in the log makes room only by whole ones."""
BATCH_BYTES = 8 * MB
STRETCH_BYTES = 8 * MB
LEAST_ROOM = 64 * 1024
PROBE_S = 1.0
CURSOR_S = 0.5

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """How far the spool was read: an offset in the segment of this number, and all before."""

    number: int = 0
    offset: int = 0


class Stretch(NamedTuple):
    """Entries of a segment in order, and the place behind them."""

    segment: Segment
    found: list[Found]
    behind: Place


class Spool:
    """A folder of segments, of at most `most_bytes` together. Belongs to one event loop.

    Opening it takes the folder and reads what an earlier process left; raises SettingError where that cannot be.
    """

    def __init__(self, path: Path, most_bytes: int, meters: Meters) -> None:
        self.most_bytes = most_bytes
        self._path = path
        self._meters = meters
        self._lock = folder.take(path)
        try:
            left = folder.Left(path)
        except OSError as error:
            os.close(self._lock)
            raise SettingError(f"PULSE_SPOOL: {path} cannot be read: {error.strerror}") from None
        self._segments = deque(left.segments)
        self._writer = Writer(path, left.next, min(SEGMENT_BYTES, most_bytes // SEGMENTS))
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="spool-write")
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="spool-read")
        self._queue: deque[tuple[Record, Entry]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[None] | None = None
        self._noted = 0.0
        self._lacked = LEAST_ROOM
        self._error: str | None = None
        self.queued_bytes = 0
        self.is_held = False
        self.on_written: Callable[[], None] = lambda: None
        meters.cut.inc(left.cut)
        meters.lost.inc(left.lost)
        meters.show(lambda: self.bytes, lambda: self.records, lambda: sum(each.events for each in self._segments))
        if self.records:
            log.info("the spool holds events from before", extra={"folder": str(path), "records": self.records})

    @property
    def bytes(self) -> int:
        """Bytes on disk."""
        return sum(each.size for each in self._segments)

    @property
    def records(self) -> int:
        """Records that are not in the log yet."""
        return sum(each.records for each in self._segments)

    @property
    def is_writing(self) -> bool:
        """Whether records are being made durable now."""
        return self._task is not None

    @property
    def is_empty(self) -> bool:
        """Whether all that was ever put in is in the log."""
        return not self._queue and self._task is None and not any(each.done < each.size for each in self._segments)

    @property
    def fault(self) -> str | None:
        """Why nothing can be put in now, None if it can."""
        if self._error is not None:
            return f"the spool cannot be written: {self._error}"
        if self.most_bytes - self.bytes < self._lacked:
            return f"the spool is full ({self.bytes / MB:.0f} of {self.most_bytes / MB:.0f} MB)"
        return None

    def append(self, record: Record, partitions: int) -> None:
        """Put in a record, one of so many partitions; it is settled once it is durable, or cannot be."""
        self.queued_bytes += record.size
        entry = Entry(record.partition, partitions, record.count, record.payload, record.topic)
        self._queue.append((record, entry))
        self._kick()

    def hold(self, is_held: bool) -> None:
        """Begin no further write, or go on writing: records that are held may go to the log without."""
        self.is_held = is_held
        self._kick()

    def release(self) -> list[Record]:
        """Take out, in order, what waits to be written."""
        waiting = [record for record, _ in self._queue]
        self._queue.clear()
        self.queued_bytes = 0
        self.is_held = False
        return waiting

    def unread(self, at: Place) -> int:
        """Durable bytes behind a place."""
        return sum(each.size - start for each, start in self._behind(at))

    async def read(self, at: Place) -> Stretch | None:
        """The next entries behind a place that are not in the log, None if there are none.

        Raises OSError where a file cannot be read just now: what is in it is not lost by that.
        """
        for each, start in self._behind(at):
            scanned = await self._read(each, start)
            self._skip(each, scanned.gaps)
            found = [one for one in scanned.found if one.start >= each.done and one.start not in each.ahead]
            return Stretch(each, found, Place(each.number, scanned.at))
        return None

    def logged(self, own: Segment, found: Found) -> None:
        """An entry is in the log on all its replicas."""
        if found.start < own.done or found.start in own.ahead:
            return
        own.mark(found.start, found.end)
        own.records = max(own.records - 1, 0)
        own.events = max(own.events - found.entry.events, 0)
        self._meters.drained.inc()
        self._tidy()

    async def written(self) -> None:
        """Wait until the write under way is through."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Make durable what waits for it, and give the folder back."""
        self.hold(False)
        while self._task is not None:
            await self.written()
        if self._probing is not None:
            self._probing.cancel()
        self._writing.shutdown()
        self._writer.seal()
        self._tidy()
        self._reading.submit(self._note)
        self._reading.shutdown()
        os.close(self._lock)

    def _kick(self) -> None:
        if self._task is None and self._queue and not self.is_held:
            self._task = vital.begin(self._write())

    async def _write(self) -> None:
        try:
            while self._queue and not self.is_held:
                batch = self._batch()
                self._settle(batch, await self._commit([entry for _, entry in batch]))
        finally:
            self._task = None
        self.on_written()

    async def _commit(self, entries: list[Entry]) -> Committed:
        room = self.most_bytes - self.bytes
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writing, self._writer.commit, entries, room)
        except Exception as error:
            log.exception("writing the spool failed")
            return Committed(error=repr(error))

    def _batch(self) -> list[tuple[Record, Entry]]:
        batch, size = [], 0
        while self._queue and size < BATCH_BYTES:
            batch.append(self._queue.popleft())
            size += batch[-1][0].size
        return batch

    def _settle(self, batch: list[tuple[Record, Entry]], done: Committed) -> None:
        if done.segment is not None:
            self._grow(done.segment, done.size, [entry for _, entry in batch[: done.taken]])
            self._meters.sync.observe(done.seconds)
        self._lacked = max(done.lacked, LEAST_ROOM)
        if done.error is not None:
            self._fail(done.error)
        for record, _ in batch[: done.taken]:
            self.queued_bytes -= record.size
            record.settle(None)
        for record, _ in batch[done.taken :]:
            self.queued_bytes -= record.size
            record.settle(self.fault or "the spool is full")

    def _grow(self, own: Segment, size: int, entries: Iterable[Entry]) -> None:
        if not self._segments or self._segments[-1] is not own:
            self._segments.append(own)
        own.size = size
        for each in entries:
            own.records += 1
            own.events += each.events
            self._meters.appended.inc()

    def _fail(self, error: str) -> None:
        log.error("the spool cannot be written: %s", error, extra={"folder": str(self._path)})
        self._error = error
        if self._probing is None or self._probing.done():
            self._probing = vital.begin(self._probe())

    async def _probe(self) -> None:
        while self._error is not None:
            await asyncio.sleep(PROBE_S)
            if await asyncio.get_running_loop().run_in_executor(self._writing, self._writer.probe):
                log.info("the spool can be written again", extra={"folder": str(self._path)})
                self._error = None

    def _behind(self, at: Place) -> Iterable[tuple[Segment, int]]:
        """The segments with something behind a place, and where in each that begins."""
        for each in list(self._segments):
            start = max(at.offset if each.number == at.number else 0, each.done)
            if each.number >= at.number and start < each.size:
                yield each, start

    async def _read(self, own: Segment, start: int) -> Scanned:
        run = asyncio.get_running_loop().run_in_executor
        size = own.size
        try:
            return await run(self._reading, segment.read, own.path, own.id, start, size, STRETCH_BYTES)
        except FileNotFoundError:
            log.error("a file of the spool was taken away", extra={"file": str(own.path)})
            return Scanned([], [(start, size)], size)

    def _skip(self, own: Segment, gaps: list[tuple[int, int]]) -> None:
        for start, end in gaps:
            if start >= own.done and start not in own.ahead:
                log.error("damaged events are lost", extra={"file": str(own.path), "at": start, "bytes": end - start})
                self._meters.lost.inc(end - start)
                own.mark(start, end)
        if gaps:
            self._tidy()

    def _tidy(self) -> None:
        """Remove what is in the log as a whole, and note now and then how far the oldest segment is."""
        if self._segments and self._segments[-1].is_open and self.is_empty:
            self._writer.seal()
        while self._segments and self._segments[0].done >= self._segments[0].size and not self._segments[0].is_open:
            self._reading.submit(self._segments.popleft().path.unlink, missing_ok=True)
        now = asyncio.get_running_loop().time()
        if now - self._noted > CURSOR_S:
            self._noted = now
            self._reading.submit(self._note)

    def _note(self) -> None:
        if self._segments:
            first = self._segments[0]
            folder.write_cursor(self._path, first.id, first.done)
