"""`pulse.events.raw.slow` → `pulse.events` and `pulse.events.rejected`: as refinement does it, while there is nothing more urgent."""

import asyncio
from collections.abc import Callable
from functools import partial
from time import monotonic

from pulse import end
from pulse.topics import RAW, REFINING, SLOW
from streams import figures
from streams.agents.refine import Refine
from streams.broker import Broker, Where
from streams.lane import Lane, gaps
from streams.ownership import Ownership
from streams.record import Taken
from streams.retry import until_answered
from streams.unread import Highwater, is_behind
from streams.yielding import Busy, may_take

MOST_LINES = 1_000
"""Of a batch: some 20 ms of work, for which a live one may have to wait."""
PAUSE_S = 0.02
IDLE_S = 0.1
SILENT_S = 30.0
"""A partition may have to wait for others of its lane, but something is taken more often than this if there is something."""


class Slow:
    """The lane's work, for the partitions of the live lane that are owned. `sink_s` tells how far the sink is behind."""

    def __init__(
        self,
        broker: Broker,
        ownership: Ownership,
        lane: Lane,
        refine: Refine,
        live_end: Highwater,
        sink_s: Callable[[], float],
    ) -> None:
        self._broker = broker
        self._ownership = ownership
        self._lane = lane
        self._refine = refine
        self._live_end = live_end
        self._sink_s = sink_s
        self._generation = -1
        self._calm = self._last = monotonic()

    def behind(self) -> list[int]:
        """The partitions in which there is, or may be, something to take."""
        standing = self._lane.standing()
        return [n for (topic, n), (at, _) in standing.items() if is_behind((topic, n), at, self._lane.highwater)]

    @property
    def is_silent(self) -> bool:
        """Whether nothing has been taken for long, be it that there is nothing."""
        return monotonic() - self._last > SILENT_S

    async def __call__(self) -> None:
        """Refine for ever. Whatever escapes ends the process."""
        try:
            while True:
                await self._step()
        except Exception as error:
            end.at_once(f"the lane that yields cannot be read: {error!r}")

    async def _step(self) -> None:
        await self._ownership.settled()
        self._lane.commit()
        if self._generation != self._ownership.generation:
            await self._begin()
            return
        busy = self._busy()
        if not may_take(busy, monotonic() - self._last):
            await asyncio.sleep(PAUSE_S)
            return
        records = self._lane.take(MOST_LINES)
        if not records:
            await asyncio.sleep(IDLE_S)
            return
        self._last = monotonic()
        figures.SLOW.labels("calm" if busy.is_calm else "busy").inc()
        await self._work(records)

    async def _begin(self) -> None:
        """Read what is owned now, from where the output may not stand yet."""
        generation = self._ownership.generation
        wheres = [(SLOW, partition) for topic, partition in self._ownership.owned if topic == RAW]
        starts = await until_answered(partial(self._broker.starts, REFINING[SLOW], wheres))
        if generation == self._ownership.generation and self._ownership.is_settled:
            self._lane.begin(starts)
            self._generation = generation

    async def _work(self, records: list[Taken]) -> None:
        for where, (expected, found) in gaps(records, self._lane.standing()).items():
            await self._ownership.verify()
            await self._demand(where, expected, found)
        if await self._refine.take(records, self._generation):
            self._lane.done(records)
        else:
            self._generation = -1

    async def _demand(self, where: Where, expected: int, found: int) -> None:
        """A gap is right only where the log has no record to give."""
        first = await until_answered(partial(self._broker.at, where, expected))
        if first is not None and (first.offset() or 0) < found:
            end.at_once(f"{where[0]}/{where[1]}: got offset {found}, but {first.offset()} was next")

    def _busy(self) -> Busy:
        now = monotonic()
        live = self._ownership.standing().items()
        if not any(is_behind(where, at, self._live_end) for where, (at, _) in live):
            self._calm = now
        return Busy(now - self._calm, self._sink_s())
