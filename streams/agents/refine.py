"""`pulse.events.raw` → `pulse.events` and `pulse.events.rejected`."""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from streams import figures
from streams.consume import batches
from streams.memories import Memories
from streams.ownership import Ownership
from streams.producer import Output
from streams.record import Made, Taken
from streams.refinement import Prepared, prepare, settle
from streams.steps.step import Step


class Refine:
    """The agent's work; `stream` is Faust's."""

    def __init__(self, ownership: Ownership, memories: Memories, output: Output, steps: Sequence[Step]) -> None:
        self._ownership = ownership
        self._memories = memories
        self._output = output
        self._steps = steps

    async def __call__(self, stream: Any) -> None:
        """Refine for ever. Whatever escapes ends the process: Faust would take the record for done."""
        async for records in batches(stream, self._ownership):
            await self._memories.ready(records)
            began = perf_counter()
            events, refused = await self._refine(records)
            figures.BATCH.labels("refine", "work").observe(perf_counter() - began)
            await self._deliver(events, refused)
            figures.BATCH.labels("refine", "all").observe(perf_counter() - began)

    async def _refine(self, records: Sequence[Taken]) -> tuple[list[Made], list[Made]]:
        events: list[Made] = []
        refused: list[Made] = []
        prepared = await self._prepare(records)
        for each, known in zip(prepared, await self._memories.known(prepared), strict=True):
            refined = settle(each, self._memories.log_id, self._memories[each.record.partition], known)
            if refined is not None:
                figures.count(refined)
                events += refined.events
                refused += refined.refused
        if len(prepared) < len(records):
            await self._ownership.verify()
        return events, refused

    async def _prepare(self, records: Sequence[Taken]) -> list[Prepared]:
        """The records that have not been refined before, after the steps."""
        prepared = []
        for record in records:
            if self._memories[record.partition].first_part(record.offset) is not None:
                prepared.append(prepare(record, self._memories.log_id, self._steps))
            await asyncio.sleep(0)
        return prepared

    async def _deliver(self, events: Sequence[Made], refused: Sequence[Made]) -> None:
        """Refused lines first: a restart goes on after the last events it finds, and must find what was refused before them."""
        if refused:
            await self._output.deliver(refused)
        if events:
            self._memories.delivered(await self._output.deliver(events))
        figures.MADE.labels("refine").inc(len(events) + len(refused))
