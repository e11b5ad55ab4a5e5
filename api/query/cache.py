"""Answers that are kept while nothing more is stored of their site, and asked for once however many wait for them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Literal

from prometheus_client import Counter
from xxhash import xxh3_128_hexdigest

from api.lenient import Lenient
from pulse.change import EVERY_SITE, changes_of
from pulse.errors import Unavailable

Found = Literal["hit", "shared", "miss"]
"""Whether an answer was kept, or made for another who asked the same at that moment, or for this one."""

ANSWERS = Counter(
    "pulse_query_answers", "Answers of reports, by whether they were kept: hit, shared or miss.", ["found"]
)
MOST_BYTES = 1_000_000
"""An answer of more is not kept."""


class GoneError(Unavailable):
    """Whoever asked went away before there was an answer."""


class AnswerCache:
    """Keeps answers in Redis, each with the number of its site's changes. Without Redis nothing is kept.

    `most_s` is for how long at most. Belongs to one event loop.
    """

    def __init__(self, url: str, most_s: int) -> None:
        self._redis = Lenient(url, "answers are not kept")
        self._most_s = most_s
        self._making: dict[tuple[str, bytes], asyncio.Future[bytes]] = {}

    async def answer(
        self, site_id: str, question: bytes, seconds: float, make: Callable[[], Awaitable[bytes]]
    ) -> tuple[bytes, Found]:
        """The answer to a question of a site: kept for no more than `seconds`, else made.

        Raises what `make` does; where that is GoneError, who waits for the same asks anew.
        """
        name = f"pulse:answer:{site_id}:{xxh3_128_hexdigest(question)}"
        keep_s = min(self._most_s, int(seconds))
        changes, kept = await self._kept(site_id, name) if keep_s > 0 else (None, None)
        if kept is not None:
            return _counted(kept, "hit")
        place = (name, changes or b"")
        while (making := self._making.get(place)) is not None:
            with suppress(GoneError):
                return _counted(await asyncio.shield(making), "shared")
        body = await self._made(place, make)
        if changes is not None and len(body) <= MOST_BYTES:
            await self._redis.ask(lambda redis: redis.set(name, changes + b"\n" + body, ex=keep_s))
        return _counted(body, "miss")

    async def changed(self, site_id: str) -> None:
        """What was kept of a site is asked for anew."""
        await self._redis.ask(lambda redis: redis.incr(changes_of(site_id)))

    async def close(self) -> None:
        """Give back the connections."""
        await self._redis.close()

    async def _kept(self, site_id: str, name: str) -> tuple[bytes | None, bytes | None]:
        """How often the site has changed, None if Redis does not say so; and the answer, if it is of just then."""
        names = (EVERY_SITE, changes_of(site_id), name)
        found: Sequence[Any] | None = await self._redis.ask(lambda redis: redis.mget(names))
        if found is None:
            return None, None
        every, own, entry = (each or b"" for each in found)
        changes = every + b"." + own
        of, _, body = entry.partition(b"\n")
        return changes, body if entry and of == changes else None

    async def _made(self, place: tuple[str, bytes], make: Callable[[], Awaitable[bytes]]) -> bytes:
        """Make an answer, for all who ask meanwhile."""
        making: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        making.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._making[place] = making
        try:
            body = await make()
        except asyncio.CancelledError:
            making.set_exception(GoneError("who asked first went away"))
            raise
        except BaseException as error:
            making.set_exception(error)
            raise
        finally:
            del self._making[place]
        making.set_result(body)
        return body


def _counted(body: bytes, found: Found) -> tuple[bytes, Found]:
    ANSWERS.labels(found).inc()
    return body, found
