"""Which partitions are this process's own, of which log, and up to where each has been taken."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from functools import partial

from pulse import end
from pulse.errors import PulseError
from streams.broker import Broker, Where
from streams.record import Taken
from streams.retry import until_answered

log = logging.getLogger(__name__)


class SkippedError(PulseError):
    """The consumer has passed over records, which would be lost if it went on."""


class Ownership:
    """The partitions of a consumer group that are assigned to this process.

    Offsets mean nothing but within one log. `logs` holds the id of each topic as it was at the start; whenever
    partitions are assigned anew, and whenever offsets surprise, the broker is asked again. A log that was
    replaced ends the process at once, before it can commit an offset of one log to another.
    """

    def __init__(self, broker: Broker, group: str, logs: Mapping[str, str]) -> None:
        self.owned: frozenset[Where] = frozenset()
        self.generation = 0
        self._broker = broker
        self._group = group
        self._logs = dict(logs)
        self._next: dict[Where, int] = {}
        self._timestamps: dict[Where, int] = {}
        self._last: dict[Where, tuple[int, int]] = {}
        self._settled = asyncio.Event()
        self._settling: asyncio.Task[None] | None = None

    @property
    def is_settled(self) -> bool:
        """Whether it is known which partitions are owned, be it none."""
        return self._settled.is_set()

    def revoke(self) -> None:
        """None are owned until partitions are assigned again; nothing is acknowledged meanwhile."""
        self._settled.clear()
        self.owned = frozenset()
        if self._settling is not None:
            self._settling.cancel()

    def assign(self, wheres: Iterable[Where]) -> None:
        """Own these partitions as soon as the broker has confirmed that they are of the same log."""
        self.revoke()
        self._settling = asyncio.create_task(self._settle(frozenset(wheres)))
        self._settling.add_done_callback(_end_if_failed)

    async def _settle(self, wheres: frozenset[Where]) -> None:
        await self.verify()
        starts = await until_answered(partial(self._broker.starts, self._group, wheres))
        self._next = {where: max(start, self._next.get(where, 0)) for where, start in starts.items()}
        self._timestamps = {where: at for where, at in self._timestamps.items() if where in wheres}
        self.owned = wheres
        self.generation += 1
        self._settled.set()
        log.info("partitions are assigned", extra={"partitions": sorted(f"{topic}/{n}" for topic, n in wheres)})

    async def settled(self) -> None:
        """Wait until it is known which partitions are owned."""
        await self._settled.wait()

    async def verify(self) -> None:
        """Ask the broker whether the log is still the same, for as long as it takes; end the process if it is not."""
        self.demand_same(await until_answered(partial(self._broker.topic_ids, self._logs)))

    def demand_same(self, logs: Mapping[str, str]) -> None:
        """End the process if a topic's id is another than at the start."""
        for topic, id in self._logs.items():
            if logs[topic] != id:
                end.at_once(f"the topic {topic} was made anew: starting over with the new log")

    async def follow(self, record: Taken) -> None:
        """Note that a record is taken.

        Raises SkippedError if records before it were not: a consumer must never pass over one unseen, and a gap
        is right only where the log has none to give (its retention or a transaction took them).
        """
        where = record.topic, record.partition
        expected = self._next.get(where, 0)
        if record.offset > expected:
            await self.verify()
            first = await until_answered(partial(self._first_from, where, expected))
            if first < record.offset:
                raise SkippedError(
                    f"{record.topic}/{record.partition}: got offset {record.offset}, but {first} was next"
                )
        self._next[where] = max(expected, record.offset + 1)
        if record.offset >= expected:
            self._last[where] = record.offset, record.timestamp
        self._timestamps[where] = record.timestamp

    def last(self) -> dict[Where, tuple[int, int]]:
        """Of each owned partition the farthest record that this process has taken: its offset and its timestamp in ms."""
        return {where: found for where, found in self._last.items() if where in self.owned}

    def _first_from(self, where: Where, offset: int) -> int:
        message = next(self._broker.read(where, offset), None)
        found = message.offset() if message is not None else None
        return offset if found is None else found

    def standing(self) -> dict[Where, tuple[int, int]]:
        """For each owned partition the next offset, and the timestamp in ms of the last record taken, 0 if none was."""
        return {where: (self._next.get(where, 0), self._timestamps.get(where, 0)) for where in self.owned}


def _end_if_failed(settling: "asyncio.Task[None]") -> None:
    if not settling.cancelled() and (error := settling.exception()) is not None:
        end.at_once(f"it cannot be told which partitions are owned: {error!r}")
