"""Answers that are kept while nothing more is stored of their site, or little ago, and asked for once however many wait for them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple

from prometheus_client import Counter
from xxhash import xxh3_128_hexdigest

from api.lenient import Lenient
from api.query.entry import KEEP, Entry, State, read
from api.query.pace import MOST_MS
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


class Asked(NamedTuple):
    """A question: under which name its answer is kept, when it was asked, and what its site was like then, if Redis says so.

    An answer that `lags` may be a little older than what was stored last.
    """

    name: str
    at_ms: int
    state: State | None
    lags: bool

    @property
    def place(self) -> tuple[str, bytes]:
        """What questions have in common that may be one."""
        return self.name, b"" if self.state is None else self.state.altered


class Making(NamedTuple):
    """An answer that is being made."""

    asked: Asked
    answer: asyncio.Future[bytes]

    def answers(self, asked: Asked) -> bool:
        """Whether it will be good for a question as well: it is of the same state, or of little before."""
        if self.asked.state == asked.state:
            return True
        return asked.lags and 0 <= asked.at_ms - self.asked.at_ms < MOST_MS


def now_ms() -> int:
    """This moment, in ms since the epoch."""
    return time.time_ns() // 1_000_000


class AnswerCache:
    """Keeps answers in Redis, each with the number of its site's changes. Without Redis nothing is kept.

    `most_s` is for how long at most. Several processes share what is kept, and the time of day. Belongs to one event loop.
    """

    def __init__(self, url: str, most_s: int, now: Callable[[], int] = now_ms) -> None:
        self._redis = Lenient(url, "answers are not kept")
        self._most_s = most_s
        self._now = now
        self._making: dict[tuple[str, bytes], Making] = {}

    async def answer(
        self,
        site_id: str,
        question: bytes,
        seconds: float,
        make: Callable[[], Awaitable[bytes]],
        people: bytes = b"",
        lags: bool = True,
    ) -> tuple[bytes, Found]:
        """The answer to a question of a site of certain people: kept for no more than `seconds`, else made.

        One that `lags` lacks what was stored in the last five seconds at most, while more is stored all the time.
        Raises what `make` does; where that is GoneError, who waits for the same asks anew.
        """
        name = f"pulse:answer:{site_id}:{xxh3_128_hexdigest(question)}"
        keep_s, began = min(self._most_s, int(seconds)), self._now()
        state, kept = await self._kept(site_id, name, people) if keep_s > 0 else (None, None)
        if state is not None and kept is not None and kept.answers(state, self._now(), lags):
            return _counted(kept.body, "hit")
        asked = Asked(name, began, state, lags)
        while (making := self._making.get(asked.place)) is not None and making.answers(asked):
            with suppress(GoneError):
                return _counted(await asyncio.shield(making.answer), "shared")
        return _counted(await self._made(asked, make, keep_s), "miss")

    async def changed(self, site_id: str) -> None:
        """What was kept of a site is asked for anew, however often that happens."""
        await self._redis.ask(lambda redis: redis.incr(altered_of(site_id)))

    async def close(self) -> None:
        """Give back the connections."""
        await self._redis.close()

    async def _kept(self, site_id: str, name: str, people: bytes) -> tuple[State | None, Entry | None]:
        """What the site is like, None if Redis does not say so; and the answer, if there is one."""
        names = (EVERY_SITE, altered_of(site_id), changes_of(site_id), name)
        found: Sequence[Any] | None = await self._redis.ask(lambda redis: redis.mget(names))
        if found is None:
            return None, None
        every, altered, stored, entry = (each or b"" for each in found)
        return State(every + b"." + altered, stored + b"." + people), read(entry)

    async def _made(self, asked: Asked, make: Callable[[], Awaitable[bytes]], keep_s: int) -> bytes:
        """Make an answer, for all who ask until it is kept."""
        making = Making(asked, asyncio.get_running_loop().create_future())
        making.answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._making[asked.place] = making
        try:
            body = await make()
            making.answer.set_result(body)
            await self._keep(asked, body, keep_s)
        except asyncio.CancelledError:
            _fail(making.answer, GoneError("who asked first went away"))
            raise
        except BaseException as error:
            _fail(making.answer, error)
            raise
        finally:
            if self._making.get(asked.place) is making:
                del self._making[asked.place]
        return body

    async def _keep(self, asked: Asked, body: bytes, keep_s: int) -> None:
        """Keep an answer, or none where it is too large: an older one is not to stay in its place."""
        if asked.state is None:
            return
        if len(body) > MOST_BYTES:
            await self._redis.ask(lambda redis: redis.delete(asked.name))
            return
        now = self._now()
        entry = Entry(asked.at_ms, max(now - asked.at_ms, 0), asked.state, body)
        given = (entry.as_bytes(), str(entry.made_ms), str(now), str(keep_s))
        await self._redis.ask(lambda redis: redis.eval(KEEP, 1, asked.name, *given))


def _fail(answer: asyncio.Future[bytes], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)


def _counted(body: bytes, found: Found) -> tuple[bytes, Found]:
    ANSWERS.labels(found).inc()
    return body, found
