"""`pulse.events.raw` → `pulse.events`, `pulse.events.rejected` and `pulse.metrics`."""

import asyncio
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Any

from streams import figures
from streams.again import again, begin
from streams.consume import batches
from streams.memories import Memories
from streams.ownership import Ownership
from streams.producer import Output
from streams.record import Made, Taken
from streams.refinement import Prepared, Refined, prepare, settle
from streams.retry import until_answered
from streams.steps.step import Step
from streams.warm import Source


class Refine:
    """The agent's work; `stream` is Faust's, `partitions` those of `pulse.metrics`."""

    def __init__(
        self,
        source: Source,
        ownership: Ownership,
        memories: Memories,
        output: Output,
        steps: Sequence[Step],
        partitions: int,
    ) -> None:
        self._source = source
        self._partitions = partitions
        self._ownership = ownership
        self._memories = memories
        self._output = output
        self._steps = steps

    async def __call__(self, stream: Any) -> None:
        """Refine for ever. Whatever escapes ends the process: Faust would take the record for done."""
        async for records in batches(stream, self._ownership):
            for first in await self._memories.ready(records):
                await self._again(first)
            began = perf_counter()
            made = await self._refine(records)
            figures.BATCH.labels("refine", "work").observe(perf_counter() - began)
            await self._deliver(made)
            figures.BATCH.labels("refine", "all").observe(perf_counter() - began)

    async def _refine(self, records: Sequence[Taken]) -> list[Refined]:
        made = []
        prepared = await self._prepare(records)
        for each, known in zip(prepared, await self._memories.known(prepared), strict=True):
            memory = self._memories[each.record.partition]
            refined = settle(each, self._memories.log_id, memory, known, self._partitions)
            if refined is not None:
                figures.count(refined)
                made.append(refined)
        if len(prepared) < len(records):
            await self._ownership.verify()
        return made

    async def _prepare(self, records: Sequence[Taken]) -> list[Prepared]:
        """The records that have not been refined before, after the steps."""
        prepared = []
        for record in records:
            if self._memories[record.partition].first_part(record.offset) is not None:
                prepared.append(prepare(record, self._memories.log_id, self._steps))
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
