"""A question to ClickHouse that ends when its client goes away, and is bounded in time and memory."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request

from api.query.parts import Parts
from clickhouse.bounded import Bounded
from clickhouse.client import Client
from pulse.errors import PulseError

AGAIN_S = 1.0

Got = TypeVar("Got")


async def asked(
    request: Request, parts: Parts, question: Callable[[Client], Got], turns: CapacityLimiter | None = None
) -> Got:
    """What a question brings, once its turn has come; raises TooCostly for one beyond the limits, and as the client does."""
    client = Bounded(parts.client, parts.limits)
    watching = asyncio.create_task(_end_with(request, client))
    try:
        return await to_thread.run_sync(question, client, limiter=turns or parts.turns)
    finally:
        watching.cancel()


async def _end_with(request: Request, client: Bounded) -> None:
    """Wait until the client that asked is gone, and end its question, also one that the store is just about to begin."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    while True:
        with suppress(PulseError):
            await to_thread.run_sync(client.end)
        await asyncio.sleep(AGAIN_S)
