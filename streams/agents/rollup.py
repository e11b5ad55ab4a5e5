"""`pulse.events` → `pulse.metrics`.

It keeps no state: after a restart it repeats what it made since its last commit, under the same places, and
the sink passes over places it has stored. Finding out which of them are in the log already would save it
a second's work and cost a reading of all of `pulse.metrics`.
"""

import asyncio
from time import perf_counter
from typing import Any

from streams import figures
from streams.consume import batches
from streams.ownership import Ownership
from streams.producer import Output
from streams.record import Made
from streams.rollup import rollup


class Rollup:
    """The agent's work; `stream` is Faust's, `partitions` those of `pulse.metrics`."""

    def __init__(self, ownership: Ownership, output: Output, partitions: int) -> None:
        self._ownership = ownership
        self._output = output
        self._partitions = partitions

    async def __call__(self, stream: Any) -> None:
        """Roll up for ever. Whatever escapes ends the process: Faust would take the record for done."""
        async for records in batches(stream, self._ownership):
            began = perf_counter()
            made: list[Made] = []
            for record in records:
                made += rollup(record, self._partitions)
                await asyncio.sleep(0)
            figures.RECORDS.labels("rollup").inc(len(records))
            figures.BATCH.labels("rollup", "work").observe(perf_counter() - began)
            await self._output.deliver(made)
            figures.MADE.labels("rollup").inc(len(made))
            figures.PARTIALS.inc(sum(record.value.count(b"\n") for record in made))
            figures.BATCH.labels("rollup", "all").observe(perf_counter() - began)
