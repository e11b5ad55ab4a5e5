"""Where records go: straight into the log, or by way of the spool while the log does not take them."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from api.collector import vital
from api.collector.gather import Record
from api.collector.producer import RawLog
from api.collector.spool.drain import WINDOW_BYTES, Drain, Drained
from api.collector.spool.spool import MB, Spool
from api.collector.tally import Tally

END_S = 60.0
"""How long the end waits for the spool to run empty, while the log takes something."""
STUCK_S = 10.0
LOOK_S = 0.02

Away = Callable[[], str | None]
"""Tells what is wrong with the log, None if nothing is."""

log = logging.getLogger(__name__)


class Straight:
    """Into the log alone: what it does not acknowledge fails."""

    is_straight = True

    def __init__(self, raw: RawLog, tally: Tally) -> None:
        self._raw = raw
        self._tally = tally

    @property
    def is_idle(self) -> bool:
        """Whether no record is on its way."""
        return self._raw.is_idle

    @property
    def held_bytes(self) -> int:
        """Bytes in memory that are on their way."""
        return self._raw.in_flight_bytes

    def begin(self) -> None:
        """Nothing is to be done first."""

    def send(self, record: Record) -> None:
        """Send a record into the log."""
        record.seal()
        self._tally.sent(record.count)
        self._raw.send(record)

    def fault(self, away: str | None) -> str | None:
        """Why no record can be taken, None if it can; `away` is what is wrong with the log."""
        return away

    def checks(self, away: str | None) -> dict[str, str]:
        """What the health page says of the way into the log."""
        return {"kafka": away or "ok"}

    async def stop(self, away: Away) -> None:
        """Wait for what is on its way."""
        await self._raw.stop()


class Spooling:
    """Into the log while it takes records; else, and until the spool is empty again, by way of the spool.

    `partitions` tells how many the log has, or is to have; `most_bytes` is what may wait in memory.
    """

    def __init__(self, raw: RawLog, spool: Spool, partitions: Callable[[], int], tally: Tally, most_bytes: int) -> None:
        self._raw = raw
        self._spool = spool
        self._partitions = partitions
        self._tally = tally
        self._drain = Drain(spool, raw, partitions, self._go_straight, min(WINDOW_BYTES, most_bytes // 8))
        self._draining: asyncio.Task[None] | None = None
        self.is_straight = False
        raw.on_given_up = self._give_up
        raw.on_connected = self._drain.go_on
        spool.on_written = self._drain.go_on

    @property
    def is_idle(self) -> bool:
        """Whether no record is on its way."""
        return self._raw.is_idle if self.is_straight else not self._spool.queued_bytes

    @property
    def held_bytes(self) -> int:
        """Bytes in memory that are on their way; those sent to the broker stand there twice."""
        return 2 * self._raw.in_flight_bytes + self._spool.queued_bytes

    def begin(self) -> None:
        """Begin to drain what an earlier process left."""
        self._draining = vital.begin(self._drain.run(lambda: not self.is_straight))

    def send(self, record: Record) -> None:
        """Take a record; it is settled once it is in the log or in the spool."""
        record.seal()
        self._tally.sent(record.count)
        if self.is_straight:
            self._raw.send(record)
        else:
            self._spool.append(record, self._partitions())

    def fault(self, away: str | None) -> str | None:
        """Why no record can be taken, None if it can; `away` is what is wrong with the log."""
        if self.is_straight and away is None:
            return None
        fault = self._spool.fault
        return fault if fault is None or away is None else f"{fault}; {away}"

    def checks(self, away: str | None) -> dict[str, str]:
        """What the health page says of the way into the log."""
        waits = "ok"
        if not self._spool.is_empty:
            size = f"{self._spool.bytes / MB:.1f} MB of {self._spool.most_bytes / MB:.0f} MB"
            waits = f"{'spooling' if away else 'draining'}: {size}, {self._spool.records:,} records"
        return {"kafka": away or "ok", "spool": self._spool.fault or waits}

    async def stop(self, away: Away) -> None:
        """Drain the spool while the log takes records; what is left stays on disk, for the next start."""
        await self._run_empty(away)
        if self._draining is not None:
            self._draining.cancel()
            with suppress(asyncio.CancelledError):
                await self._draining
        await self._raw.stop()
        await self._spool.close()

    async def _run_empty(self, away: Away) -> None:
        loop = asyncio.get_running_loop()
        until, moved, seen = loop.time() + END_S, loop.time(), -1
        while not (self._raw.is_idle and self._spool.is_empty):
            now = loop.time()
            if self._raw.acknowledged != seen:
                moved, seen = now, self._raw.acknowledged
            is_away = away() is not None and not self._spool.queued_bytes
            if now > until or now - moved > STUCK_S or is_away:
                log.warning("the spool is not empty: it is sent after the next start", extra=self.checks(None))
                return
            await asyncio.sleep(LOOK_S)

    def _turn_aside(self) -> None:
        self.is_straight = self._raw.is_pressed = False

    def _go_straight(self) -> None:
        """All of the spool is on its way, and nothing is being written: what waits follows at once."""
        self.is_straight = self._raw.is_pressed = True
        for record in self._spool.release():
            self._raw.send(record)

    def _give_up(self, records: list[Record], why: str) -> None:
        """What the log has not acknowledged may be there or not: the spool keeps it, and a repetition is told by its id."""
        self._turn_aside()
        self._drain.rewind()
        own = [record for record in records if not isinstance(record, Drained)]
        if own:
            log.warning("records go to the spool: %s", why, extra={"records": len(own)})
        for record in own:
            self._spool.append(record, self._partitions())
