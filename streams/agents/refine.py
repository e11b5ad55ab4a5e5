"""`pulse.events.raw` → `pulse.events`, `pulse.events.rejected` and `pulse.metrics`."""

import asyncio
from collections.abc import Sequence
from functools import partial
from time import monotonic, perf_counter
from typing import Any

from streams import figures
from streams.again import again, begin
from streams.beat import Beat
from streams.consume import batches
from streams.memories import Memories
from streams.ownership import Ownership
from streams.producer import Output
from streams.record import Made, Taken, told
from streams.refinement import Prepared, Refined, prepare, settle
from streams.retry import until_answered
from streams.steps.step import Step
from streams.warm import Source


class Refine:
    """The agent's work; `stream` is Faust's, `partitions` those of `pulse.metrics`.

    Lanes share the memories, and what is made by either goes to the same partitions: one batch at a time is looked at,
    settled and delivered, so that what is in the log is all that any decision depended on.
    """

    def __init__(
        self,
        source: Source,
        ownership: Ownership,
        memories: Memories,
        output: Output,
        steps: Sequence[Step],
        partitions: int,
        beat: Beat,
    ) -> None:
        self._source = source
        self._partitions = partitions
        self._ownership = ownership
        self._memories = memories
        self._output = output
        self._steps = steps
        self._beat = beat
        self._turn = asyncio.Lock()

    async def __call__(self, stream: Any) -> None:
        """Refine for ever. Whatever escapes ends the process: Faust would take the record for done."""
        async for records in batches(stream, self._ownership):
            await self.take(records)

    async def take(self, records: Sequence[Taken], generation: int | None = None) -> bool:
        """Refine some records of one lane.

        With a `generation`, those of a lane that yields: False, and nothing is written, where another generation owns the
        partitions by now, or may. Who has gone on in our place takes the lanes in an order of his own, by which
        another of two repetitions is the first.
        """
        async with self._turn:
            if generation is not None and not self._is_current(generation):
                return False
            return await self._take(records, generation is not None)

    def _is_current(self, generation: int) -> bool:
        return self._ownership.is_settled and self._ownership.generation == generation

    async def rest(self, within_s: float) -> None:
        """Return when nothing is under way, or after so many seconds: then it is left to whoever owns the partitions next."""
        try:
            async with asyncio.timeout(within_s), self._turn:
                return
        except TimeoutError:
            return

    async def _take(self, records: Sequence[Taken], yields: bool) -> bool:
        began = perf_counter()
        made = await self._made(records)
        while made is None:
            if yields:
                return False
            made = await self._made(records, again=True)
        await self._deliver(made)
        figures.BATCH.labels("refine", "all").observe(perf_counter() - began)
        return True

    async def _made(self, records: Sequence[Taken], again: bool = False) -> list[Refined] | None:
        """What is to be written of some records; None if the process was frozen meanwhile, and another may have gone on with them.

        One that is frozen at each look would never come to an end: from the second on it is enough that nobody else has written.
        """
        freezes = self._beat.freezes(monotonic())
        for first in await self._memories.ready(records):
            await self._again(first)
        began = perf_counter()
        records = [*await self._unfinished(), *records]
        made = await self._refine(records)
        figures.BATCH.labels("refine", "work").observe(perf_counter() - began)
        if self._beat.freezes(monotonic()) > freezes:
            partitions = {record.partition for record in records}
            if not (again and await until_answered(partial(self._memories.has_all, partitions))):
                self._memories.forget(partitions)
                return None
        for each in made:
            figures.count(each)
        return made

    async def _unfinished(self) -> list[Taken]:
        """The raw records that were written last before partitions were assigned, perhaps in part.

        They come before all others: had a record of another lane been refined in between, what is left of them might
        come out otherwise than it was begun.
        """
        pending, self._memories.unfinished = self._memories.unfinished, {}
        topics = {log: topic for topic, log in self._memories.logs.items()}
        wheres = [((topics[log], n), offset) for n, (log, offset) in pending.items() if log in topics and offset >= 0]
        found = [await until_answered(partial(self._source.broker.at, where, offset)) for where, offset in wheres]
        return [told(each) for each, (_, at) in zip(found, wheres, strict=True) if each and each.offset() == at]

    async def _refine(self, records: Sequence[Taken]) -> list[Refined]:
        made = []
        prepared = await self._prepare(records)
        for each, known in zip(prepared, await self._memories.known(prepared), strict=True):
            memory = self._memories[each.record.partition]
            log_id = self._memories.logs[each.record.topic]
            refined = settle(each, log_id, memory, known, self._partitions)
            if refined is not None:
                made.append(refined)
        if len(prepared) < len(records):
            await self._ownership.verify()
        return made

    async def _prepare(self, records: Sequence[Taken]) -> list[Prepared]:
        """The records that have not been refined before, after the steps."""
        prepared = []
        for record in records:
            log_id = self._memories.logs[record.topic]
            if self._memories[record.partition].first_part(record.offset, log_id) is not None:
                prepared.append(prepare(record, log_id, self._steps))
            await asyncio.sleep(0)
        return prepared

    async def _deliver(self, made: Sequence[Refined]) -> None:
        """One kind after the other, as a restart goes on after the last events it finds.

        What was refused before them must be there, and of what has been rolled up they must be there.
        """
        refused = [record for each in made for record in each.refused]
        events = [record for each in made for record in each.events]
        if refused:
            await self._output.deliver(refused)
        if events:
            self._memories.delivered(await self._output.deliver(events))
        figures.MADE.labels("refine").inc(len(events) + len(refused))
        await self._deliver_metrics([record for each in made for record in each.metrics])

    async def _deliver_metrics(self, made: Sequence[Made]) -> None:
        if made:
            await self._output.deliver(made)
        figures.MADE.labels("rollup").inc(len(made))
        figures.PARTIALS.inc(sum(record.value.count(b"\n") for record in made))

    async def _again(self, first: Taken) -> None:
        """Roll up what is written from a record on, of which nobody knows whether it was rolled up."""
        position: int | None = await until_answered(partial(begin, self._source, first))
        while position is not None:
            found = await until_answered(partial(again, self._source, first, position, self._partitions))
            await self._deliver_metrics(found.made)
            position = found.position
