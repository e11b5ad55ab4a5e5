"""The memories of the partitions that are owned, each read back before it is first used, and kept within bounds."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import compress

import numpy as np

from pulse.errors import Unavailable
from pulse.topics import EVENTS
from streams import figures, whole
from streams.elsewhere import Elsewhere
from streams.memory import Bounds, Memory
from streams.older import Older
from streams.ownership import Ownership
from streams.producer import Span
from streams.recent import array_of
from streams.record import Taken
from streams.refinement import Prepared
from streams.retry import until_answered
from streams.standing import ask
from streams.suspicion import Confirmation, Suspect, suspected
from streams.unread import Heads
from streams.warm import Source, begin, catch_up, heads

ASKED_EACH_S = 1.0
CUT_LOOKED_AT_EACH_S = 5.0

log = logging.getLogger(__name__)


class Memories:
    """What refinement knows, by partition of the raw log, be it of this or that lane.

    `waiting` says what the store is waited for, if it is. `unread` tells of a partition since when records may be left
    to be refined, by what was left when it was assigned. `cut` says of partitions that lost their end what is wrong with
    them: none is refined then.
    """

    def __init__(
        self,
        source: Source,
        ownership: Ownership,
        elsewhere: Elsewhere,
        topic: str,
        bounds: Bounds,
        unread: Callable[[int, Heads], int | None] = lambda partition, left: None,
    ) -> None:
        self.logs = source.logs
        self.unfinished: dict[int, tuple[str, int]] = {}
        self.reading: set[int] = set()
        self.waiting = ""
        self.cut: dict[int, str] = {}
        self._source = source
        self._ownership = ownership
        self._elsewhere = elsewhere
        self._topic = topic
        self._bounds = bounds
        self._confirmation = Confirmation(source.client, source.ids, source.window_ms)
        self._unread = unread
        self._heads: dict[int, Heads] = {}
        self._memories: dict[int, Memory] = {}
        self._current: set[int] = set()
        self._generation = -1
        self._asked = 0.0
        self._known_elsewhere: Older | None = None
        self._trimming: asyncio.Task[None] | None = None

    def __getitem__(self, partition: int) -> Memory:
        return self._memories[partition]

    def sizes(self) -> list[figures.Size]:
        """What is remembered of each partition."""
        return [figures.size_of(partition, memory) for partition, memory in list(self._memories.items())]

    async def ready(self, records: Iterable[Taken]) -> list[Taken]:
        """Make sure that the memory of each record's partition holds all that is written, and that there is room.

        Returns, of each partition that had to be read back, the first record of each lane that is not acknowledged, if that
        or some after it is written.

        After partitions were assigned anew, another process may have gone on with them in between: what it
        has written is read then, and the memory of partitions that are gone is dropped.
        """
        if self._generation != self._ownership.generation:
            self._generation = self._ownership.generation
            self._current.clear()
            self.cut.clear()
            own = {partition for topic, partition in self._ownership.owned if topic == self._topic}
            self._memories = {n: memory for n, memory in self._memories.items() if n in own}
            self._bounds.partitions = max(len(own), 1)
        behind = {record.partition for record in records} - self._current
        if behind:
            await asyncio.gather(*(self._catch_up(partition) for partition in behind))
        self._turn()
        await self._make_room()
        return [
            record for partition in behind for record in self._heads[partition].values() if self._is_written(record)
        ]

    def _is_written(self, record: Taken) -> bool:
        """Whether something of a record, or of one after it, is written."""
        return self[record.partition].first_part(record.offset, self.logs[record.topic]) != 0

    def forget(self, partitions: Iterable[int]) -> None:
        """What was settled of these last is not to be written: they are read back before they are used again."""
        for partition in partitions:
            self._memories.pop(partition, None)
            self._current.discard(partition)

    def has_all(self, partitions: Iterable[int]) -> bool:
        """Whether nothing was written since the memories of some partitions were read back. Blocks; raises Unavailable.

        The log itself is read from there on: some brokers count only the first record of the last batch to its end.
        """
        at, broker = self._memories, self._source.broker
        return all(broker.at((EVENTS, partition), at[partition].position or 0) is None for partition in partitions)

    async def known(self, prepared: Sequence[Prepared]) -> list[set[bytes]]:
        """For each record its ids that had been seen before the latest; the store is asked about what is uncertain."""
        known: list[set[bytes]] = [set() for _ in prepared]
        suspects: list[Suspect] = []
        for partition in {each.record.partition for each in prepared}:
            own = [number for number, each in enumerate(prepared) if each.record.partition == partition]
            suspects += self._look(partition, own, prepared, known)
        for suspect in await self._confirm(suspects):
            known[suspect.number].add(suspect.digest)
        return known

    def delivered(self, spans: dict[tuple[str, int], Span]) -> None:
        """Note where records of `pulse.events` have come to lie."""
        for (_, partition), span in spans.items():
            if partition in self._memories:
                self._memories[partition].delivered(span.first, span.last, span.is_whole)

    def _look(
        self, partition: int, numbers: Sequence[int], prepared: Sequence[Prepared], known: list[set[bytes]]
    ) -> list[Suspect]:
        """Note what is known of the records of one partition; returns what is not certain."""
        memory = self._memories[partition]
        digests = [one for number in numbers for one in prepared[number].digests]
        owners = np.repeat(numbers, [len(prepared[number].digests) for number in numbers])
        looked = memory.look(array_of(digests))
        for at in np.flatnonzero(looked.known):
            known[owners[at]].add(digests[at])
        if not looked.doubtful.any():
            return []
        lines = [line for number in numbers for line in prepared[number].lines]
        doubtful = compress(zip(owners.tolist(), digests, lines, strict=True), looked.doubtful)
        found = []
        for number, one, line in doubtful:
            record = prepared[number].record
            log_id = self.logs[record.topic]
            if not memory.is_own(record.offset, one, log_id):
                found.append(Suspect(number, one, suspected(line), log_id, partition, record.offset))
        return found

    async def _confirm(self, suspects: Sequence[Suspect]) -> list[Suspect]:
        if not suspects:
            return []
        began = time.perf_counter()
        confirmed = await until_answered(partial(self._ask, suspects))
        self.waiting = ""
        figures.CONFIRMING.observe(time.perf_counter() - began)
        figures.SUSPICIONS.labels("confirmed").inc(len(confirmed))
        figures.SUSPICIONS.labels("false").inc(len(suspects) - len(confirmed))
        return confirmed

    def _ask(self, suspects: Sequence[Suspect]) -> list[Suspect]:
        try:
            return self._confirmation.ask(suspects)
        except Unavailable as error:
            self.waiting = f"some of the ids are known to the store alone: {error}"
            raise

    async def _catch_up(self, partition: int) -> None:
        self.reading.add(partition)
        began = time.perf_counter()
        self._known_elsewhere = await self._elsewhere.ids()
        now = int(time.time() * 1000)
        left = self._heads[partition] = await until_answered(partial(heads, self._source, partition))
        oldest = min(
            [now, *(record.timestamp for record in left.values())]
        )  # a producer's clock ahead must not shorten it
        since = oldest - self._source.window_ms
        memory = self._memories.get(partition)
        await self._demand_whole(partition, memory is None)
        if memory is None:
            memory = await until_answered(partial(self._begun, partition, since, oldest, now))
        read = await until_answered(partial(catch_up, memory, self._source, partition, since))
        memory.elsewhere = self._known_elsewhere
        self._memories[partition] = memory
        self.unfinished[partition] = memory.last
        self._current.add(partition)
        self.reading.discard(partition)
        seconds = time.perf_counter() - began
        figures.WARMING.observe(seconds)
        told = {"partition": partition, "records": read, "exact": memory.exact, "older": len(memory.older)}
        told |= {"devices": len(memory.devices)}
        log.info("what was seen is known", extra=told | {"seconds": seconds})

    async def _demand_whole(self, partition: int, is_new: bool) -> None:
        """Return once the raw log holds what was refined of it, which one that lost its end does only as a new one."""
        while fault := await until_answered(partial(whole.fault, self._source, partition, is_new)):
            if self.cut.get(partition) != fault:
                log.critical("%s", fault)
            self.cut[partition] = fault
            await asyncio.sleep(CUT_LOOKED_AT_EACH_S)
        self.cut.pop(partition, None)

    def _begun(self, partition: int, since: int, oldest: int, now: int) -> Memory:
        memory = Memory(self._source.window_ms, self._bounds)
        memory.turn(now)
        begin(memory, self._source, partition, since, oldest)
        return memory

    def _turn(self) -> None:
        now = int(time.time() * 1000)
        for partition, memory in self._memories.items():
            memory.turn(now, self._unread(partition, self._heads.get(partition, {})))
        if self._known_elsewhere:
            self._known_elsewhere.expire(min((memory.reached for memory in self._memories.values()), default=0))
            self._bounds.taken = self._known_elsewhere.nbytes

    async def _make_room(self) -> None:
        """Where too much is remembered exactly, drop what is stored; wait only where there is no room at all."""
        if self._is_due() and (self._trimming is None or self._trimming.done()):
            self._trimming = asyncio.create_task(self._trim())
        while self._is_full():
            self.waiting = f"waiting for what was written last to be stored: {self._bounds.recent} ids are not"
            if self._trimming is not None and not self._trimming.done():
                await self._trimming
            else:
                await asyncio.sleep(ASKED_EACH_S / 4)
                self._trimming = asyncio.create_task(self._trim())
        self.waiting = ""

    def _is_full(self) -> bool:
        return sum(memory.exact for memory in self._memories.values()) > self._bounds.recent

    def _is_due(self) -> bool:
        most = self._bounds.recent_each()
        is_due = any(memory.exact > most for memory in self._memories.values())
        return is_due and time.monotonic() - self._asked > ASKED_EACH_S

    async def _trim(self) -> None:
        self._asked = time.monotonic()
        try:
            found = await asyncio.to_thread(
                ask, self._source.broker, self._source.client, self._source.ids, list(self._memories)
            )
        except Unavailable as error:
            log.debug("it is not known what is stored: %s", error)
            return
        for partition, standing in found.items():
            if (memory := self._memories.get(partition)) is not None:
                memory.stored = max(memory.stored, standing.offset)
                memory.trim(self._bounds.recent_each() // 2)
        self._confirmation.expect(
            {(log, partition): place for partition, it in found.items() for log, place in it.places.items()}
        )
