"""From the spool into the log: in order, many records on their way at a time, each until it is acknowledged."""

import asyncio
import logging
from collections.abc import Callable

from api.collector.gather import Record
from api.collector.producer import RawLog
from api.collector.spool.entry import Entry
from api.collector.spool.reshare import reshare
from api.collector.spool.spool import Place, Spool, Stretch

WINDOW_BYTES = 16 * 1024 * 1024
PAUSE_S = 1.0
NEAR_BYTES = 1024 * 1024
"""Once no more than this is left, new records wait for it instead of going through the spool as well."""

log = logging.getLogger(__name__)


class Drained(Record):
    """A record of the spool; `done` is called once it is in the log. Where it fails, it lies there still."""

    __slots__ = ("_done",)

    def __init__(self, topic: str, partition: int, payload: bytes, done: Callable[[], None]) -> None:
        super().__init__(partition, topic)
        self.payload = payload
        self.size = len(payload)
        self._done = done

    def settle(self, error: str | None) -> bool:
        """Tell the spool, if it is in the log."""
        if error is None:
            self._done()
        return True


class Drain:
    """Empties a spool into the log whenever that is connected; `caught_up` is called each time nothing is left to send.

    `partitions` tells how many the log has; at most about `window_bytes` are on their way at a time.
    """

    def __init__(
        self,
        spool: Spool,
        raw: RawLog,
        partitions: Callable[[], int],
        caught_up: Callable[[], None],
        window_bytes: int = WINDOW_BYTES,
    ) -> None:
        self._spool = spool
        self._raw = raw
        self._partitions = partitions
        self._caught_up = caught_up
        self._window_bytes = window_bytes
        self._at = Place()
        self._turn = 0
        self._moved = asyncio.Event()
        self._on_its_way = 0

    def go_on(self) -> None:
        """There may be something to do."""
        self._moved.set()

    def rewind(self) -> None:
        """Begin again at the first record that is not in the log: what was on its way is given up."""
        self._at = Place()
        self._turn += 1
        self._on_its_way = 0
        self._hold(False)
        self._moved.set()

    async def run(self, is_needed: Callable[[], bool]) -> None:
        """Drain, until cancelled, whenever it is needed."""
        while True:
            self._moved.clear()
            if not (is_needed() and self._raw.is_connected):
                await self._moved.wait()
                continue
            try:
                await self._step()
            except Exception:
                log.exception("draining the spool failed; it is tried again")
                await asyncio.sleep(PAUSE_S)
                self.rewind()

    async def _step(self) -> None:
        turn = self._turn
        left = self._spool.unread(self._at)
        self._hold(left <= NEAR_BYTES)
        if left:
            stretch = await self._spool.read(self._at)
            if stretch is not None and turn == self._turn:
                await self._send_all(stretch, turn)
        elif self._spool.is_writing:
            await self._spool.written()
        else:
            self._caught_up()

    def _hold(self, is_near: bool) -> None:
        """Whoever sent a record that is held waits for the log as if there were no spool."""
        self._spool.hold(is_near)
        self._raw.is_pressed = is_near

    async def _send_all(self, stretch: Stretch, turn: int) -> None:
        for found in stretch.found:
            while self._on_its_way > self._window_bytes and turn == self._turn:
                self._moved.clear()
                await self._moved.wait()
            if turn != self._turn:
                return
            self._send(found.entry, lambda found=found: self._spool.logged(stretch.segment, found))  # type: ignore[misc]
        self._at = stretch.behind

    def _send(self, entry: Entry, done: Callable[[], None]) -> None:
        shares = _shares(entry, self._partitions())
        left = len(shares)
        turn, size = self._turn, len(entry.value)

        def one_done() -> None:
            nonlocal left
            left -= 1
            if not left:
                done()
                if turn == self._turn:
                    self._on_its_way -= size
                    self._moved.set()

        self._on_its_way += size
        for partition, value in shares.items():
            self._raw.send(Drained(entry.topic, partition, value, one_done))


def _shares(entry: Entry, partitions: int) -> dict[int, bytes]:
    if not partitions or entry.partition < entry.partitions == partitions:
        return {entry.partition: entry.value}
    return reshare(entry.value, partitions)
