"""The spool by itself, for tests: records put in, and what a new process finds."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from prometheus_client import CollectorRegistry

from api.collector.gather import Record, Ticket
from api.collector.spool.entry import Entry
from api.collector.spool.meters import Meters
from api.collector.spool.spool import MB, Place, Spool

PARTITIONS = 4


def run(folder: Path, do: Callable[[Spool], Awaitable[None]], most_bytes: int = 64 * MB) -> CollectorRegistry:
    """Open the spool of a folder, do something with it, and close it; its metrics."""
    registry = CollectorRegistry()

    async def all_of_it() -> None:
        spool = Spool(folder, most_bytes, Meters(registry))
        try:
            await do(spool)
        finally:
            await spool.close()

    asyncio.run(all_of_it())
    return registry


async def put(spool: Spool, value: bytes, partition: int = 0) -> str | None:
    """Put one record in and wait until it is settled: None, or why it could not be kept."""
    ticket = Ticket(asyncio.get_running_loop().create_future())
    spool.append(record(value, partition, ticket), PARTITIONS)
    return await ticket.done


def record(value: bytes, partition: int, ticket: Ticket) -> Record:
    """A sealed record of one line."""
    made = Record(partition)
    made.take([value], len(value) + 1, ticket)
    made.seal()
    return made


async def all_of(spool: Spool) -> list[Entry]:
    """What is in it and not in the log."""
    at, found = Place(), []
    while (stretch := await spool.read(at)) is not None:
        found += [each.entry for each in stretch.found]
        at = stretch.behind
    return found


def contents(folder: Path) -> tuple[list[bytes], CollectorRegistry]:
    """The lines that a new process finds in a folder, and its metrics."""
    lines: list[bytes] = []

    async def look(spool: Spool) -> None:
        lines.extend(each.value.removesuffix(b"\n") for each in await all_of(spool))

    return lines, run(folder, look)
