"""Ids that only the store still knows: those of events from an older log, such as an embedded one before its restart."""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from clickhouse.client import Client
from pulse.errors import QueryError, Unavailable
from streams.retry import until_answered
from streams.seen import SeenIds, digest

QUERY = Path(__file__).with_name("seen_elsewhere.sql")
HOUR_MS = 3_600_000

log = logging.getLogger(__name__)


def load(client: Client, log_id: str, window_ms: int, now_ms: int) -> SeenIds:
    """The ids of other logs' events that were received within the window, an hour at a time.

    Those of all partitions: an older log may have had another number of them. Raises Unavailable.
    """
    found = SeenIds(window_ms)
    for since in range(now_ms - window_ms, now_ms + HOUR_MS, HOUR_MS):
        try:
            answer = client.query(QUERY, {"since": since, "until": since + HOUR_MS, "log": log_id})
        except QueryError as error:
            raise Unavailable(f"ClickHouse does not say which ids it holds: {error}") from None
        found.add((digest(site_id, event_id) for site_id, event_id in answer.rows), since)
    return found


class Elsewhere:
    """The ids of older logs, asked for once, by whoever needs them first; `state` is ``"ok"`` or what is waited for."""

    def __init__(self, client: Client, log_id: str, window_ms: int, now: Callable[[], float] = time.time) -> None:
        self.state = "ok"
        self._ask = lambda: load(client, log_id, window_ms, int(now() * 1000))
        self._asked: asyncio.Task[SeenIds] | None = None

    async def ids(self) -> SeenIds:
        """The ids; waits while the store is away, since without it a repetition could not be told."""
        if self._asked is None:
            self._asked = asyncio.create_task(self._wait())
        return await asyncio.shield(self._asked)

    async def _wait(self) -> SeenIds:
        self.state = "waiting for ClickHouse, which knows the ids of an older log"
        found = await until_answered(partial(self._ask))
        self.state = "ok"
        log.info("ids of older logs are known", extra={"ids": len(found)})
        return found
