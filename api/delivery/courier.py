"""Takes what is due, sends it, and records what became of it: for each endpoint a few at a time, for all of them side by side."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from logging import getLogger
from typing import TypeVar

from api.control.dispatch import Dispatch, Taken
from api.control.outcome import Outcome, Outcomes
from api.delivery import meters
from api.delivery.message import Seals, message_of
from api.delivery.post import Post
from api.delivery.room import Room
from pulse.errors import PulseError, SettingError
from pulse.outbound.call import Answer
from pulse.outbound.verdict import GAPS_S, Next, Verdict, asked_pause_s, next_attempt, verdict

SHORTEST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
GATHERED_S = 0.01
"""For so long what ends at about the same time gathers, so that one question to the database does for all of it."""
ENDPOINTS = 100
"""Of so many deliveries are taken at a time, lest the database be kept from others."""
RECORDED_S = 10.0
"""For so long the last attempts may wait for the database at the end; what it does not take is made again."""

Got = TypeVar("Got")
log = getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """The clock's part of delivering, so that tests may go faster: `gaps_s` before each attempt, `lease_ms` for which a
    delivery is ours, `poll_s` after which it is looked for what is due, `most` calls at a time; mails are counted apart.
    """

    gaps_s: Sequence[float] = GAPS_S
    lease_ms: int = 20_000
    poll_s: float = 0.5
    most: int = 500


class Courier:
    """Delivers until told to stop. Belongs to one event loop; its questions to the database block threads."""

    def __init__(
        self,
        dispatch: Dispatch,
        outcomes: Outcomes,
        post: Post,
        seals: Seals,
        owner: str,
        sender: str = "pulse@localhost",
        pace: Pace = Pace(),
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.state = "not asked yet"
        self._dispatch, self._outcomes = dispatch, outcomes
        self._post, self._seals = post, seals
        self._owner, self._sender, self._pace, self._now = owner, sender, pace, now
        self._room = Room(pace.most, post.mailed_at_once)
        self._sending: set[asyncio.Task[None]] = set()
        self._made: list[Outcome] = []
        self._ending = False
        self._wake, self._is_made = asyncio.Event(), asyncio.Event()
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="store")

    def wake(self) -> None:
        """Look for what is due at once; from the loop's own thread."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; then wait for what is under way, record it, and return."""
        recording = asyncio.create_task(self._record_all())
        recording.add_done_callback(lambda _: stop.set())
        await self._patiently(lambda: self._asked(lambda: self._dispatch.release(self._owner, self._now())), stop)
        while not stop.is_set():
            self._wake.clear()
            await self._patiently(self._look, stop)
            await self._pause()
        await asyncio.gather(*self._sending)
        self._ending = True
        self._is_made.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(recording, RECORDED_S)
        self._threads.shutdown(wait=False)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._pace.poll_s):
                await self._wake.wait()
                await asyncio.sleep(GATHERED_S)
        except TimeoutError:
            return

    async def _look(self) -> None:
        now = self._now()
        ready = await self._asked(lambda: self._dispatch.ready(now))
        wanted = self._room.share(ready, self._post.free)
        if not wanted:
            return
        if len(wanted) > ENDPOINTS:
            self._wake.set()
            wanted = wanted[:ENDPOINTS]
        lease, held = self._pace.lease_ms, self._room.held()
        for taken in await self._asked(lambda: self._dispatch.take(wanted, now, lease, self._owner, held)):
            self._send(taken)

    def _send(self, taken: Taken) -> None:
        self._room.hold(taken)
        meters.FLYING.inc()
        task = asyncio.create_task(self._deliver(taken))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _deliver(self, taken: Taken) -> None:
        begun = self._now()
        if taken.tries == 0:
            meters.AGE.observe(max(begun - taken.notice.at, 0) / 1000)
        outcome = self._outcome(taken, begun, await self._answer(taken, begun))
        meters.ATTEMPTS.labels(outcome.verdict).inc()
        meters.SECONDS.observe(outcome.answer.ms / 1000)
        self._made.append(outcome)
        self._is_made.set()

    async def _answer(self, taken: Taken, now: int) -> Answer:
        try:
            return await self._post.post(*message_of(taken, self._seals, self._sender, now))
        except SettingError as error:
            return Answer(error=str(error))
        except Exception as error:
            log.exception("a delivery failed unforeseen", extra={"delivery": taken.id})
            return Answer(error=f"a fault of Pulse, {type(error).__name__}: its log tells more")

    def _outcome(self, taken: Taken, begun: int, answer: Answer) -> Outcome:
        said, now = verdict(answer), self._now()
        asked_s = asked_pause_s(answer.retry_after, now) if said == Verdict.again else 0.0
        follows = Next(dead=True)
        if said == Verdict.again:
            follows = next_attempt(taken.tries + 1, now, random.random(), asked_s, self._pace.gaps_s)
        if follows.dead and said != Verdict.delivered:
            meters.DEAD.inc()
        return Outcome(taken.id, taken.endpoint.id, taken.lease, begun, answer, said, follows, asked_s)

    async def _record_all(self) -> None:
        while not self._ending or self._made:
            await self._is_made.wait()
            self._is_made.clear()
            await self._record()

    async def _record(self) -> None:
        """Record what was made. Until then it takes its endpoint's room: memory is bounded while the database is away."""
        made, self._made = self._made, []
        if made:
            await self._patiently(lambda: self._asked(lambda: self._outcomes.record(made, self._now())))
        self._room.leave(each.delivery for each in made)
        meters.FLYING.dec(len(made))
        self._wake.set()

    async def _patiently(self, ask: Callable[[], Awaitable[object]], stop: asyncio.Event | None = None) -> None:
        pause_s = SHORTEST_PAUSE_S
        while stop is None or not stop.is_set():
            try:
                await ask()
                return
            except PulseError as error:
                log.warning("%s; again in %.1f s", error, pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _asked(self, ask: Callable[[], Got]) -> Got:
        try:
            got = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except PulseError as error:
            self.state = str(error)
            raise
        self.state = "ok"
        return got
