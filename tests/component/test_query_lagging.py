"""Answers that lag: whatever is asked, stored, altered and lost, and in whatever order, none is older than is promised."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from api.query.cache import MOST_BYTES, AnswerCache
from api.query.pace import EAGER, MOST_MS, due_ms
from pulse.change import altered_of, changes_of

SITE, QUESTION = "shop", b"?"
PROCESSES = 3
BEGIN = 1_772_668_800_000


@dataclass(frozen=True)
class Wait:
    """Time goes by."""

    ms: int


@dataclass(frozen=True)
class Change:
    """More is stored, or something is altered."""

    is_altered: bool


@dataclass(frozen=True)
class Ask:
    """Somebody asks; what happens while the answer is made, and what comes of it."""

    waits: bool
    comes: str
    meanwhile: tuple["Step", ...]


Step = Wait | Change | Ask
SMALL = st.builds(Wait, st.sampled_from((1, 40, 60, 300, 900, 1_500, 2_500, 4_999, 7_000))) | st.builds(
    Change, st.sampled_from((False, False, False, True))
)
ASK: st.SearchStrategy[Ask] = st.deferred(
    lambda: st.builds(
        Ask,
        st.booleans(),
        st.sampled_from(("kept", "kept", "large", "fails")),
        st.lists(SMALL | ASK, max_size=3).map(tuple),
    )
)


class FailsError(Exception):
    """An answer that was none."""


@dataclass
class World:
    """Some processes that share a Redis and the time, and what was stored when."""

    redis: Redis
    caches: list[AnswerCache] = field(default_factory=list)
    now: int = BEGIN
    changes: list[tuple[int, bool]] = field(default_factory=list)
    asking: list[asyncio.Task[None]] = field(default_factory=list)
    most_ms: int = MOST_MS
    renews: bool = False

    async def take(self, steps: tuple[Step, ...] | list[Step], depth: int) -> None:
        """Go through steps; what is asked while an answer is made is asked of another process."""
        for step in steps:
            if isinstance(step, Wait):
                self.now += step.ms
            elif isinstance(step, Change):
                self.changes.append((self.now, step.is_altered))
                self.redis.incr((altered_of if step.is_altered else changes_of)(SITE))
            else:
                asking = asyncio.ensure_future(self.ask(step, depth))
                self.asking.append(asking)
                if step.waits and depth < PROCESSES:  # nobody waits for whom another waits for
                    await asyncio.wait([asking])

    async def renew(self, _: int) -> bytes:
        """Make an answer in the background."""
        return b"%d" % len(self.changes)

    async def ask(self, step: Ask, depth: int) -> None:
        """Ask, and judge the answer: of all that was altered before, and all that was stored more than five seconds before."""
        asked_at, before = self.now, len(self.changes)
        due = [n for n, (at, is_altered) in enumerate(self.changes) if self.is_due(at, is_altered, asked_at)]

        async def make() -> bytes:
            known = len(self.changes)
            await self.take(step.meanwhile, depth + 1)
            if step.comes == "fails":
                raise FailsError
            return b"%d" % known + b" " * (MOST_BYTES if step.comes == "large" else 0)

        try:
            told = await self.caches[depth % len(self.caches)].answer(
                SITE, QUESTION, 300, make, b"", self.most_ms, self.renew if self.renews else None
            )
        except FailsError:
            return
        known = int(told.body)
        assert all(n < known for n in due), (known, due, self.changes[:before], asked_at)

    def is_due(self, at: int, is_altered: bool, asked_at: int) -> bool:
        """Whether an answer may not lack a change."""
        return is_altered or asked_at - at >= self.most_ms


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as made:
        yield made


async def gone_through(redis_url: str, redis: Redis, steps: list[Step], most_ms: int, renews: bool) -> None:
    redis.flushdb()
    world = World(redis, most_ms=most_ms, renews=renews)
    now: Callable[[], int] = lambda: world.now  # noqa: E731
    world.caches = [AnswerCache(redis_url, 300, now) for _ in range(PROCESSES)]
    await world.take(steps, 0)
    while waiting := [each for each in world.asking if not each.done()]:
        await asyncio.wait(waiting)
    await asyncio.gather(*world.asking)
    for cache in world.caches:
        await cache.close()


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(SMALL | ASK, max_size=12), most_ms=st.sampled_from((MOST_MS, 1_000, 0)), renews=st.booleans())
def test_no_answer_lacks_what_was_stored_five_seconds_before_it_was_asked_for(
    redis_url: str, steps: list[Step], most_ms: int, renews: bool
) -> None:
    with Redis.from_url(redis_url) as redis:
        asyncio.run(gone_through(redis_url, redis, steps, most_ms, renews))


class Clock:
    now = BEGIN

    def __call__(self) -> int:
        return self.now


class Shop:
    """A question whose answer is how often it was made; some take until they are let go."""

    def __init__(self, url: str, redis: Redis) -> None:
        redis.flushdb()
        self.redis, self.clock, self.made = redis, Clock(), 0
        self.cache = AnswerCache(url, 300, self.clock)
        self.begun: asyncio.Queue[int] = asyncio.Queue()

    def change(self) -> None:
        self.redis.incr(changes_of(SITE))

    async def ask(
        self,
        cost_ms: int = 0,
        until: asyncio.Event | None = None,
        more: int = 0,
        lags: bool = True,
        renews: bool = False,
    ) -> tuple[int, str]:
        async def make() -> bytes:
            self.made += 1
            mine = self.made
            self.begun.put_nowait(mine)
            if until is not None:
                await until.wait()
            self.clock.now += cost_ms
            return b"%d" % mine + b" " * more

        async def renew(_: int) -> bytes:
            return await make()

        most_ms = MOST_MS if lags else 0
        told = await self.cache.answer(SITE, QUESTION, 300, make, b"", most_ms, renew if renews else None)
        return int(told.body), told.found

    async def underway(self, number: int) -> None:
        while await self.begun.get() < number:
            pass


@pytest.fixture
def shop(redis_url: str, redis: Redis) -> Shop:
    return Shop(redis_url, redis)


@pytest.mark.parametrize(("cost_ms", "each_ms"), [(0, 1_000), (50, 1_000), (60, 2_000), (200, 4_000), (900, 5_000)])
async def test_where_more_is_stored_all_the_time_an_answer_is_good_for_so_long(
    shop: Shop, cost_ms: int, each_ms: int
) -> None:
    await shop.ask(cost_ms)
    began = shop.clock.now - cost_ms
    for _ in range(3):
        shop.change()
        shop.clock.now = began + each_ms - 1
        assert await shop.ask(cost_ms) == (1, "hit")
    shop.clock.now = began + each_ms
    assert await shop.ask(cost_ms) == (2, "miss")


async def test_a_clock_that_stepped_back_gives_nothing_that_is_old_and_keeps_anew(shop: Shop) -> None:
    await shop.ask()
    shop.clock.now -= 3_600_000
    assert await shop.ask() == (1, "hit"), "nothing was stored since"
    shop.change()
    assert await shop.ask() == (2, "miss")
    shop.change()
    assert await shop.ask() == (2, "hit")


async def test_one_that_is_not_kept_leaves_no_older_one(shop: Shop) -> None:
    await shop.ask()
    shop.change()
    shop.clock.now += 1_000
    assert await shop.ask(more=MOST_BYTES) == (2, "miss")
    assert not shop.redis.keys("pulse:answer:*")


async def test_where_there_is_no_room_for_an_answer_no_older_one_stays(shop: Shop) -> None:
    await shop.ask()
    shop.change()
    shop.clock.now += 1_000
    shop.redis.config_set("maxmemory", 1)
    try:
        assert await shop.ask() == (2, "miss")
        assert not shop.redis.keys("pulse:answer:*")
    finally:
        shop.redis.config_set("maxmemory", 0)


async def test_an_older_answer_that_comes_later_does_not_take_the_place_of_a_newer(shop: Shop) -> None:
    until = asyncio.Event()
    slow = asyncio.create_task(shop.ask(until=until))
    await shop.underway(1)
    shop.change()
    shop.clock.now += 5_000
    assert await shop.ask() == (2, "miss")
    until.set()
    assert await slow == (1, "miss")
    assert await shop.ask() == (2, "hit")


async def test_what_is_being_made_is_waited_for_however_often_more_is_stored(shop: Shop) -> None:
    until = asyncio.Event()
    first = asyncio.create_task(shop.ask(until=until))
    await shop.underway(1)
    others = []
    for _ in range(4):
        shop.change()
        shop.clock.now += 1_000
        others.append(asyncio.create_task(shop.ask()))
    until.set()
    assert await first == (1, "miss")
    assert {found for _, found in await asyncio.gather(*others)} <= {"shared", "hit"}
    assert shop.made == 1


async def test_one_that_may_not_lag_waits_for_none_of_before(shop: Shop) -> None:
    until = asyncio.Event()
    first = asyncio.create_task(shop.ask(until=until, lags=False))
    await shop.underway(1)
    shop.change()
    shop.clock.now += 1
    assert await shop.ask(lags=False) == (2, "miss")
    until.set()
    assert await first == (1, "miss")
    assert await shop.ask(lags=False) == (2, "hit")


async def test_where_people_change_all_the_time_an_answer_is_found_again(shop: Shop) -> None:
    async def make() -> bytes:
        shop.made += 1
        return b"%d" % shop.made

    async def ask(people: bytes) -> tuple[bytes, str]:
        return (await shop.cache.answer(SITE, QUESTION, 300, make, people))[:2]

    assert await ask(b"1.A") == (b"1", "miss")
    shop.clock.now += 999
    assert await ask(b"2.B") == (b"1", "hit")
    shop.clock.now += 1
    assert await ask(b"3.C") == (b"2", "miss")


async def test_a_costly_answer_is_made_anew_in_the_background_while_the_last_one_is_given(shop: Shop) -> None:
    await shop.ask(300, renews=True)
    began, until = shop.clock.now - 300, asyncio.Event()
    shop.change()
    shop.clock.now = began + due_ms(300, 0) - 1
    assert (await shop.ask(300, until, renews=True), shop.made) == ((1, "hit"), 1)
    shop.clock.now += 1
    assert await shop.ask(300, until, renews=True) == (1, "hit")
    await shop.underway(2)
    assert await shop.ask(300, until, renews=True) == (1, "hit")
    shop.clock.now = began + MOST_MS
    waiting = asyncio.create_task(shop.ask(300, until, renews=True))
    await asyncio.wait([waiting], timeout=0.2)
    assert not waiting.done()
    until.set()
    assert await waiting == (2, "shared")
    assert (await shop.ask(300, until, renews=True), shop.made) == ((2, "hit"), 2)


async def test_one_that_costs_little_is_waited_for_and_as_fresh_as_what_is_stored(shop: Shop) -> None:
    for n in range(1, 5):
        assert await shop.ask(10, renews=True) == (n, "miss")
        shop.change()
        shop.clock.now += 10 * EAGER


async def test_where_making_one_anew_fails_the_last_is_given_as_long_as_it_is_good(shop: Shop) -> None:
    async def fails(_: int = 0) -> bytes:
        raise FailsError

    await shop.ask(300)
    began = shop.clock.now - 300
    shop.change()
    for age in (due_ms(300, 0), MOST_MS - 1):
        shop.clock.now = began + age
        told = await shop.cache.answer(SITE, QUESTION, 300, fails, b"", MOST_MS, fails)
        assert (told.body.strip(), told.found) == (b"1", "hit")
    shop.clock.now = began + MOST_MS
    with pytest.raises(FailsError):
        await shop.cache.answer(SITE, QUESTION, 300, fails, b"", MOST_MS, fails)
