"""What all processes know of keys for a minute: a cache in Redis that may be away."""

from collections.abc import Awaitable, Callable
from logging import getLogger
from time import monotonic
from typing import TypeVar

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

TIMEOUT_S = 0.25
PAUSE_S = 5.0
"""How long a Redis that did not answer is left alone, so that no request waits for it."""

Got = TypeVar("Got")
log = getLogger(__name__)


class Known(Struct, kw_only=True, omit_defaults=True):
    """A valid key as it may be shared: nothing of the key itself. Times are ms since the epoch.

    `until` is when this must be looked up again, `ends` when the key itself ends, None if it does not.
    """

    id: str
    organisation: str
    site_id: str | None = None
    scopes: list[str]
    origins: list[str] = []
    public: bool = False
    until: int
    ends: int | None = None


class KeyCache:
    """Known keys by their fingerprints. Without an answer from Redis it is empty: nothing here ever raises."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        )
        self._away_until = 0.0
        self._is_away = False

    async def get(self, fingerprint: str) -> Known | None:
        """The key of a fingerprint, None if it is not there."""
        found = await self._ask(lambda: self._redis.get(_name(fingerprint)))
        try:
            return None if found is None else msgspec.json.decode(found, type=Known)
        except msgspec.DecodeError:
            return None

    async def put(self, fingerprint: str, known: Known, ttl_ms: int) -> None:
        """Share a key for `ttl_ms`."""
        await self._ask(lambda: self._redis.set(_name(fingerprint), msgspec.json.encode(known), px=max(ttl_ms, 1)))

    async def forget(self, fingerprint: str) -> None:
        """Share a key no longer."""
        await self._ask(lambda: self._redis.delete(_name(fingerprint)))

    async def fault(self) -> str:
        """``"ok"``, or why Redis does not answer."""
        try:
            await self._redis.get(_name(""))
        except (RedisError, OSError) as error:
            return f"Redis does not answer: {error}"
        return "ok"

    async def close(self) -> None:
        """Give back the connections."""
        await self._redis.aclose()

    async def _ask(self, question: Callable[[], Awaitable[Got]]) -> Got | None:
        if monotonic() < self._away_until:
            return None
        try:
            answer = await question()
        except (RedisError, OSError) as error:
            self._missing(error)
            return None
        self._answering()
        return answer

    def _missing(self, error: Exception) -> None:
        self._away_until = monotonic() + PAUSE_S
        if not self._is_away:
            log.warning("Redis does not answer (%s); keys are looked up in the database", type(error).__name__)
        self._is_away = True

    def _answering(self) -> None:
        if self._is_away:
            log.info("Redis answers again")
        self._is_away = False


def _name(fingerprint: str) -> str:
    return f"pulse:key:{fingerprint}"
