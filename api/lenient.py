"""A Redis that may be away: then it has nothing, and nobody waits for it."""

from collections.abc import Awaitable, Callable
from logging import getLogger
from time import monotonic
from typing import TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

TIMEOUT_S = 0.25
PAUSE_S = 5.0
"""How long a Redis that did not answer is left alone, so that no request waits for it."""

Got = TypeVar("Got")
log = getLogger(__name__)


class Lenient:
    """Asks a Redis; nothing but `fault` tells that it is away. `without` is what is done then, for the log."""

    def __init__(self, url: str, without: str) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        )
        self._without = without
        self._away_until = 0.0
        self._is_away = False

    async def ask(self, question: Callable[["Redis"], Awaitable[Got]]) -> Got | None:
        """What Redis answers, None if it does not."""
        if monotonic() < self._away_until:
            return None
        try:
            answer = await question(self._redis)
        except (RedisError, OSError) as error:
            self._missing(error)
            return None
        self._answering()
        return answer

    async def fault(self) -> str:
        """``"ok"``, or why Redis does not answer."""
        try:
            await self._redis.get("pulse:")
        except (RedisError, OSError) as error:
            return f"Redis does not answer: {error}"
        return "ok"

    async def close(self) -> None:
        """Give back the connections."""
        await self._redis.aclose()

    def _missing(self, error: Exception) -> None:
        self._away_until = monotonic() + PAUSE_S
        if not self._is_away:
            log.warning("Redis does not answer (%s); %s", type(error).__name__, self._without)
        self._is_away = True

    def _answering(self) -> None:
        if self._is_away:
            log.info("Redis answers again")
        self._is_away = False
