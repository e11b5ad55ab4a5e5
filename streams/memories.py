"""The memories of the partitions that are owned, each read back from the log before it is first used."""

import asyncio
import logging
import time
from collections.abc import Iterable
from functools import partial

from streams.broker import Broker
from streams.elsewhere import Elsewhere
from streams.memory import Memory
from streams.ownership import Ownership
from streams.producer import Span
from streams.record import Taken
from streams.retry import until_answered
from streams.warm import catch_up

log = logging.getLogger(__name__)


class Memories:
    """What refinement knows, by partition of the raw log."""

    def __init__(
        self, broker: Broker, ownership: Ownership, elsewhere: Elsewhere, topic: str, log_id: str, window_ms: int
    ) -> None:
        self.log_id = log_id
        self.reading: set[int] = set()
        self._broker = broker
        self._ownership = ownership
        self._elsewhere = elsewhere
        self._topic = topic
        self._window = window_ms
        self._memories: dict[int, Memory] = {}
        self._current: set[int] = set()
        self._generation = -1

    def __getitem__(self, partition: int) -> Memory:
        return self._memories[partition]

    def sizes(self) -> dict[int, int]:
        """How many ids are remembered of each partition."""
        return {partition: len(memory.ids) for partition, memory in list(self._memories.items())}

    async def ready(self, records: Iterable[Taken]) -> None:
        """Make sure that the memory of each record's partition holds all that is written.

        After partitions were assigned anew, another process may have gone on with them in between: what it
        has written is read then, and the memory of partitions that are gone is dropped.
        """
        if self._generation != self._ownership.generation:
            self._generation = self._ownership.generation
            self._current.clear()
            own = {partition for topic, partition in self._ownership.owned if topic == self._topic}
            self._memories = {n: memory for n, memory in self._memories.items() if n in own}
        first: dict[int, int] = {}
        for record in records:
            first.setdefault(record.partition, record.timestamp)
        behind = first.keys() - self._current
        if behind:
            await asyncio.gather(*(self._catch_up(partition, first[partition]) for partition in behind))

    async def _catch_up(self, partition: int, timestamp: int) -> None:
        self.reading.add(partition)
        began = time.perf_counter()
        now = int(time.time() * 1000)
        memory = self._memories.setdefault(partition, Memory(self._window))
        since = min(timestamp, now) - self._window  # a producer's clock that runs ahead must not shorten the window
        read = await until_answered(partial(catch_up, memory, self._broker, partition, self.log_id, since))
        if memory.began_inside and memory.elsewhere is None:
            memory.elsewhere = await self._elsewhere.ids()
        self._current.add(partition)
        self.reading.discard(partition)
        told = {"partition": partition, "records": read, "ids": len(memory.ids), "seconds": time.perf_counter() - began}
        log.info("what was seen is known", extra=told)

    def expire(self) -> None:
        """Forget what has left the window."""
        now = int(time.time() * 1000)
        for memory in self._memories.values():
            memory.expire(now)

    def delivered(self, spans: dict[tuple[str, int], Span]) -> None:
        """Note where records of `pulse.events` have come to lie."""
        for (_, partition), span in spans.items():
            if span.is_whole and partition in self._memories:
                self._memories[partition].delivered(span.first, span.last)
