"""Ids that only the store still knows: those of events from an older log, such as an embedded one before its restart."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from clickhouse.client import Client
from streams.load import Wanted, load, moments_of
from streams.older import Older
from streams.retry import until_answered

log = logging.getLogger(__name__)


class Elsewhere:
    """The ids of older logs, asked for once, by whoever needs them first; `state` is ``"ok"`` or what is waited for.

    Those of all partitions: an older log may have had another number of them. `logs` are the current ones, of all lanes.
    """

    def __init__(
        self,
        client: Client,
        logs: Sequence[str],
        window_ms: int,
        most_bytes: Callable[[], int],
        now: Callable[[], float] = time.time,
    ) -> None:
        self.state = "ok"
        self._client = client
        self._logs = logs
        self._window = window_ms
        self._most_bytes = most_bytes
        self._now = now
        self._asked: asyncio.Task[Older] | None = None

    async def ids(self) -> Older:
        """The ids; waits while the store is away, since without it a repetition could not be told."""
        if self._asked is None:
            self._asked = asyncio.create_task(self._wait())
        return await asyncio.shield(self._asked)

    async def _wait(self) -> Older:
        self.state = "waiting for ClickHouse, which knows the ids of an older log"
        found = await until_answered(partial(self._load))
        self.state = "ok"
        log.info("ids of older logs are known", extra={"ids": len(found)})
        return found

    def _load(self) -> Older:
        found = Older(self._window, self._most_bytes)
        since = int(self._now() * 1000) - self._window
        load(self._client, found, Wanted(self._logs, None, moments_of(since, self._window), [], since=since))
        return found
