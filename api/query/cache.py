"""Answers that are kept while nothing more is stored of their site, or little ago, and asked for once however many wait for them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Literal, NamedTuple

from prometheus_client import Counter
from xxhash import xxh3_128_hexdigest

from api.lenient import Lenient
from api.query.entry import KEEP, Entry, State, read
from api.query.pace import MOST_MS, Rate, patience_ms
from pulse.change import EVERY_SITE, altered_of, changes_of
from pulse.errors import Unavailable

Found = Literal["hit", "shared", "miss"]
"""Whether an answer was kept, or made for another who asked the same at that moment, or for this one."""

ANSWERS = Counter(
    "pulse_query_answers", "Answers of reports, by whether they were kept: hit, shared or miss.", ["found"]
)
Make = Callable[[], Awaitable[bytes]]
Renew = Callable[[int], Awaitable[bytes]]
"""Makes an answer that took so many ms the last time."""
MOST_BYTES = 1_000_000
"""An answer of more is not kept."""


class GoneError(Unavailable):
    """Whoever asked went away before there was an answer."""


class Asked(NamedTuple):
    """A question: under which name its answer is kept and for how many seconds, when it was asked, and what its site was like
    then, if Redis says so.

    An answer may be `most_ms` older than what was stored last.
    """

    name: str
    at_ms: int
    state: State | None
    most_ms: int
    keep_s: int

    @property
    def place(self) -> tuple[str, bytes]:
        """What questions have in common that may be one."""
        return self.name, b"" if self.state is None else self.state.altered


class Given(NamedTuple):
    """Under which name the answer to a question is kept, and the number of what was altered of its site by then."""

    name: str
    altered: bytes


class Told(NamedTuple):
    """An answer, what became of it, and what it is to be found by again, if it was kept."""

    body: bytes
    found: Found
    given: Given | None = None


class Making(NamedTuple):
    """An answer that is being made."""

    asked: Asked
    answer: asyncio.Future[bytes]

    def answers(self, asked: Asked) -> bool:
        """Whether it will be good for a question as well: it is of the same state, or of little before."""
        if self.asked.state == asked.state:
            return True
        return 0 <= asked.at_ms - self.asked.at_ms < asked.most_ms


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
        self._rate = Rate()
        self._making: dict[tuple[str, bytes], Making] = {}
        self._renewing: set[asyncio.Task[bytes]] = set()

    async def answer(
        self,
        site_id: str,
        question: bytes,
        seconds: float,
        make: Make,
        people: bytes = b"",
        most_ms: int = MOST_MS,
        renew: Renew | None = None,
    ) -> Told:
        """The answer to a question of a site of certain people: kept for no more than `seconds`, else made.

        While more is stored all the time it lacks what was stored in the last `most_ms` at most. `renew` makes it in the
        background, shortly before that. Raises what `make` does; where that is GoneError, who waits for the same asks anew.
        """
        name = name_of(site_id, question)
        keep_s, began = min(self._most_s, int(seconds)), self._now()
        self._rate.count(began)
        underway = {place: each for place, each in self._making.items() if place[0] == name}
        state, kept = await self._kept(site_id, name, people) if keep_s > 0 else (None, None)
        asked = Asked(name, began, state, most_ms, keep_s)
        if state is not None and kept is not None and kept.answers(state, self._now(), most_ms):
            given = Given(name, state.altered)
            if renew is None or not kept.is_due(state, self._now(), most_ms, self._rate.at(began)):
                return _counted(kept.body, "hit", given)
            newer = await self._newer(asked, kept, renew)
            if newer is not None:
                return newer
            if kept.answers(state, self._now(), most_ms):
                return _counted(kept.body, "hit", given)
        making = self._making.get(asked.place) or underway.get(
            asked.place
        )  # it may have been kept since Redis was asked
        while making is not None and making.answers(asked):
            with suppress(GoneError):
                return _counted(await asyncio.shield(making.answer), "shared")
            making = self._making.get(asked.place)
        return _counted(await self._made(self._begun(asked), make), "miss")

    async def again(self, site_id: str, given: Given, people: bytes, most_ms: int) -> bytes | None:
        """A kept answer once more: None where something was altered since, or if it is to be made anew."""
        state, kept = await self._kept(site_id, given.name, people)
        now = self._now()
        if state is None or kept is None or state.altered != given.altered or not kept.answers(state, now, most_ms):
            return None
        if kept.is_due(state, now, most_ms, self._rate.at(now)):
            return None
        self._rate.count(now)
        ANSWERS.labels("hit").inc()
        return kept.body

    async def changed(self, site_id: str) -> None:
        """What was kept of a site is asked for anew, however often that happens."""
        await self._redis.ask(lambda redis: redis.incr(altered_of(site_id)))

    async def close(self) -> None:
        """End what is made in the background, and give back the connections."""
        for task in self._renewing:
            task.cancel()
        await asyncio.gather(*self._renewing, return_exceptions=True)
        await self._redis.close()

    async def _kept(self, site_id: str, name: str, people: bytes) -> tuple[State | None, Entry | None]:
        """What the site is like, None if Redis does not say so; and the answer, if there is one."""
        names = (EVERY_SITE, altered_of(site_id), changes_of(site_id), name)
        found: Sequence[Any] | None = await self._redis.ask(lambda redis: redis.mget(names))
        if found is None:
            return None, None
        every, altered, stored, entry = (each or b"" for each in found)
        return State(every + b"." + altered, stored + b"." + people), read(entry)

    async def _newer(self, asked: Asked, kept: Entry, renew: Renew) -> Told | None:
        """A newer answer than one that is good still, where it comes soon; it is made for all, whoever goes away."""
        found: Found = "shared"
        making = self._making.get(asked.place)
        if making is None or not making.answers(asked):
            making, found = self._begun(asked), "miss"
            task = asyncio.ensure_future(self._made(making, lambda: renew(kept.cost_ms)))
            self._renewing.add(task)
            task.add_done_callback(partial(self._renewed, making))
        if patience := patience_ms(kept.cost_ms):
            await asyncio.wait([making.answer], timeout=patience / 1000)
        is_there = making.answer.done() and not making.answer.cancelled() and making.answer.exception() is None
        return _counted(making.answer.result(), found) if is_there else None

    def _renewed(self, making: Making, task: "asyncio.Task[bytes]") -> None:
        """Whoever asks next hears of what went wrong."""
        self._over(making)
        self._renewing.discard(task)
        if not task.cancelled():
            task.exception()

    def _begun(self, asked: Asked) -> Making:
        """An answer that is to be made, for all who ask until it is kept."""
        making = Making(asked, asyncio.get_running_loop().create_future())
        making.answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._making[asked.place] = making
        return making

    async def _made(self, making: Making, make: Make) -> bytes:
        """Make it, and keep it."""
        try:
            body = await make()
            making.answer.set_result(body)
            await self._keep(making.asked, body)
        except asyncio.CancelledError:
            _fail(making.answer, GoneError("who asked first went away"))
            raise
        except BaseException as error:
            _fail(making.answer, error)
            raise
        finally:
            self._over(making)
        return body

    def _over(self, making: Making) -> None:
        """Nobody waits for it any longer."""
        _fail(making.answer, GoneError("it was not made"))
        if self._making.get(making.asked.place) is making:
            del self._making[making.asked.place]

    async def _keep(self, asked: Asked, body: bytes) -> None:
        """Keep an answer, or none where it is too large: an older one is not to stay in its place."""
        if asked.state is None:
            return
        if len(body) > MOST_BYTES:
            await self._redis.ask(lambda redis: redis.delete(asked.name))
            return
        now = self._now()
        entry = Entry(asked.at_ms, max(now - asked.at_ms, 0), asked.state, body)
        given = (entry.as_bytes(), str(entry.made_ms), str(now), str(asked.keep_s))
        await self._redis.ask(lambda redis: redis.eval(KEEP, 1, asked.name, *given))


def name_of(site_id: str, question: bytes) -> str:
    """Under which name the answer to a question of a site is kept."""
    return f"pulse:answer:{site_id}:{xxh3_128_hexdigest(question)}"


def _fail(answer: asyncio.Future[bytes], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)


def _counted(body: bytes, found: Found, given: Given | None = None) -> Told:
    ANSWERS.labels(found).inc()
    return Told(body, found, given)
