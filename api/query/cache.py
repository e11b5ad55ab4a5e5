"""Answers that are kept while nothing more is stored of their site, and asked for once however many wait for them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Literal, NamedTuple

from prometheus_client import Counter
from xxhash import xxh3_128_hexdigest

from api.lenient import Lenient
from api.query.pace import Pace
from pulse.change import EVERY_SITE, altered_of, changes_of
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


class State(NamedTuple):
    """What tells a site's answers from older ones: the number of what somebody altered, and how often more was stored of it."""

    altered: bytes
    stored: bytes

    def with_body(self, body: bytes) -> bytes:
        """An answer, as it is kept."""
        return b"\n".join((*self, body))


class Kept(NamedTuple):
    """An answer that was kept, and what its site was like when it was made."""

    of: State
    body: bytes


class AnswerCache:
    """Keeps answers in Redis, each with the number of its site's changes. Without Redis nothing is kept.

    `most_s` is for how long at most. Belongs to one event loop.
    """

    def __init__(self, url: str, most_s: int) -> None:
        self._redis = Lenient(url, "answers are not kept")
        self._most_s = most_s
        self._pace = Pace()
        self._making: dict[tuple[str, bytes], asyncio.Future[bytes]] = {}

    async def answer(
        self, site_id: str, question: bytes, seconds: float, make: Callable[[], Awaitable[bytes]], least_s: float = 0.0
    ) -> tuple[bytes, Found]:
        """The answer to a question of a site: kept for no more than `seconds`, else made.

        One that is asked all the time while more is stored all the time is good for `least_s`, and longer if it is costly.
        Raises what `make` does; where that is GoneError, who waits for the same asks anew.
        """
        name = f"pulse:answer:{site_id}:{xxh3_128_hexdigest(question)}"
        keep_s = min(self._most_s, int(seconds))
        state, kept = await self._kept(site_id, name) if keep_s > 0 else (None, None)
        if kept is not None and (kept.of == state or not self._is_due(name, kept, state)):
            return _counted(kept.body, "hit")
        place = (name, b".".join(state or ()))
        while (making := self._making.get(place)) is not None:
            with suppress(GoneError):
                return _counted(await asyncio.shield(making), "shared")
        began = monotonic()
        body = await self._made(place, make)
        self._pace.note(name, monotonic() - began, least_s)
        if state is not None and len(body) <= MOST_BYTES:
            entry = state.with_body(body)
            await self._redis.ask(lambda redis: redis.set(name, entry, ex=keep_s))
        return _counted(body, "miss")

    async def changed(self, site_id: str) -> None:
        """What was kept of a site is asked for anew, however often that happens."""
        await self._redis.ask(lambda redis: redis.incr(altered_of(site_id)))

    async def close(self) -> None:
        """Give back the connections."""
        await self._redis.close()

    async def _kept(self, site_id: str, name: str) -> tuple[State | None, Kept | None]:
        """What the site is like, None if Redis does not say so; and the answer, if there is one."""
        names = (EVERY_SITE, altered_of(site_id), changes_of(site_id), name)
        found: Sequence[Any] | None = await self._redis.ask(lambda redis: redis.mget(names))
        if found is None:
            return None, None
        every, altered, stored, entry = (each or b"" for each in found)
        state = State(every + b"." + altered, stored)
        parts = entry.split(b"\n", 2)
        return state, Kept(State(*parts[:2]), parts[2]) if len(parts) == 3 else None

    def _is_due(self, name: str, kept: Kept, state: State | None) -> bool:
        """Whether an answer that is of before is not to be given any more."""
        return state is None or kept.of.altered != state.altered or self._pace.is_due(name)

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
