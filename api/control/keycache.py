"""What all processes know of keys for a minute: a cache in Redis that may be away."""

import msgspec
from msgspec import Struct

from api.lenient import Lenient
from pulse.mode import STANDARD, Mode


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
    mode: Mode = STANDARD
    until: int
    ends: int | None = None


class KeyCache:
    """Known keys by their fingerprints. Without an answer from Redis it is empty: nothing here ever raises."""

    def __init__(self, url: str) -> None:
        self._redis = Lenient(url, "keys are looked up in the database")

    async def get(self, fingerprint: str) -> Known | None:
        """The key of a fingerprint, None if it is not there."""
        found = await self._redis.ask(lambda redis: redis.get(_name(fingerprint)))
        try:
            return None if found is None else msgspec.json.decode(found, type=Known)
        except msgspec.DecodeError:
            return None

    async def put(self, fingerprint: str, known: Known, ttl_ms: int) -> None:
        """Share a key for `ttl_ms`."""
        text = msgspec.json.encode(known)
        await self._redis.ask(lambda redis: redis.set(_name(fingerprint), text, px=max(ttl_ms, 1)))

    async def forget(self, fingerprint: str) -> None:
        """Share a key no longer."""
        await self._redis.ask(lambda redis: redis.delete(_name(fingerprint)))

    async def fault(self) -> str:
        """``"ok"``, or why Redis does not answer."""
        return await self._redis.fault()

    async def close(self) -> None:
        """Give back the connections."""
        await self._redis.close()


def _name(fingerprint: str) -> str:
    return f"pulse:key:{fingerprint}"
