"""The keyring over a real database and a real Redis."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from api.control import credential
from api.control.keycache import KeyCache
from api.control.keys import Made, NewKey
from api.control.migrate import migrate
from api.control.store import Store
from api.keyring import KNOWN_MS, LONGER_MS, PAUSE_MS, UNKNOWN_MS, Keyring, open_keyring, presented_key
from deploy.local import port
from pulse.errors import SettingError, Unavailable
from pulse.settings import Settings

SECRET = b"a long text that only this test knows"
NEW = NewKey("ours", "shop", "k", ("stats:read", "events:write"), origins=("https://a.example",))


class Clock:
    """A clock that a test sets; in ms since the epoch, and with the steps that the time of day makes."""

    def __init__(self) -> None:
        self.ms = time.time_ns() // 1_000_000
        self.steps = 0

    def __call__(self) -> int:
        return self.ms + self.steps

    def elapsed(self) -> int:
        """Without the steps."""
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    url = f"sqlite:///{tmp_path / 'pulse.db'}"
    migrate(url)
    made = Store(url)
    made.sites.ensure_organisation("ours", "Ours", 1)
    made.sites.create("ours", "shop", {"name": "Shop"}, 1)
    return made


@pytest.fixture
def made(store: Store, clock: Clock) -> Made:
    return store.keys.create(NEW, SECRET, clock())


@pytest.fixture
async def ring(store: Store, redis_url: str, clock: Clock) -> AsyncIterator[Keyring]:
    ring = Keyring(SECRET, store, KeyCache(redis_url), clock, clock.elapsed)
    yield ring
    await ring.close()


@pytest.fixture
async def another(store: Store, redis_url: str, clock: Clock) -> AsyncIterator[Keyring]:
    """The keyring of another process."""
    ring = Keyring(SECRET, store, KeyCache(redis_url), clock, clock.elapsed)
    yield ring
    await ring.close()


@pytest.fixture
async def alone(store: Store, clock: Clock) -> AsyncIterator[Keyring]:
    """A keyring whose Redis is away."""
    ring = Keyring(SECRET, store, KeyCache(f"redis://127.0.0.1:{port.free()}/0"), clock, clock.elapsed)
    yield ring
    await ring.close()


async def test_a_key_is_found_with_all_that_it_may(ring: Keyring, made: Made) -> None:
    key = await ring.find(made.presented)

    assert key is not None
    assert (key.id, key.organisation, key.site_id, key.public) == (made.stored.id, "ours", "shop", False)
    assert key.scopes == {"stats:read", "events:write"}
    assert key.origins == ("https://a.example",)


async def test_a_hundred_requests_ask_the_database_once(ring: Keyring, made: Made) -> None:
    for _ in range(100):
        assert await ring.find(made.presented) is not None

    assert ring.lookups == 1


async def test_a_hundred_requests_at_once_ask_the_database_once(alone: Keyring, made: Made) -> None:
    found = await asyncio.gather(*(alone.find(made.presented) for _ in range(100)))

    assert all(found)
    assert alone.lookups == 1


async def test_processes_share_what_they_know(ring: Keyring, another: Keyring, made: Made) -> None:
    assert await ring.find(made.presented) == await another.find(made.presented) is not None
    assert (ring.lookups, another.lookups) == (1, 0)


async def test_a_revoked_key_ends_everywhere_within_a_minute(
    ring: Keyring, another: Keyring, made: Made, store: Store, clock: Clock
) -> None:
    assert await ring.find(made.presented)
    clock.ms += KNOWN_MS - 1
    assert await another.find(made.presented)
    store.keys.revoke("ours", "shop", made.stored.id, clock())

    clock.ms += 1
    assert await ring.find(made.presented) is None
    assert await another.find(made.presented) is None


async def test_a_revoked_key_ends_within_a_minute_also_if_the_time_of_day_steps_back(
    alone: Keyring, made: Made, store: Store, clock: Clock
) -> None:
    assert await alone.find(made.presented)
    store.keys.revoke("ours", "shop", made.stored.id, clock())
    clock.steps = -5_000

    clock.ms += KNOWN_MS
    assert await alone.find(made.presented) is None


async def test_forgetting_a_key_takes_effect_at_once(
    ring: Keyring, another: Keyring, made: Made, store: Store, clock: Clock
) -> None:
    assert await ring.find(made.presented)
    revoked = store.keys.revoke("ours", "shop", made.stored.id, clock())
    await ring.forget(revoked.fingerprint)

    assert await ring.find(made.presented) is None
    assert await another.find(made.presented) is None


async def test_a_key_that_ends_soon_is_not_believed_longer(ring: Keyring, store: Store, clock: Clock) -> None:
    made = store.keys.create(NewKey("ours", "shop", "k", ("stats:read",), expires=clock() + 5_000), SECRET, clock())
    assert await ring.find(made.presented)

    clock.ms += 5_000
    assert await ring.find(made.presented) is None


async def test_an_unknown_key_asks_the_database_once_in_a_while(ring: Keyring, clock: Clock) -> None:
    unknown = credential.make(public=False)
    for _ in range(50):
        assert await ring.find(unknown) is None
    assert ring.lookups == 1

    clock.ms += UNKNOWN_MS
    assert await ring.find(unknown) is None
    assert ring.lookups == 2


@pytest.mark.parametrize("presented", ["", "x", "pulse_prod_", "pulse_prod_" + "ä" * 32, "'; DROP TABLE api_keys; --"])
async def test_what_is_no_key_asks_nobody(ring: Keyring, presented: str) -> None:
    assert await ring.find(presented) is None
    assert ring.lookups == 0


async def test_keys_are_found_while_redis_is_away_and_it_is_said_once(
    alone: Keyring, store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        made = store.keys.create(NEW, SECRET, clock())
        assert await alone.find(made.presented)

    assert [record.getMessage() for record in caplog.records if "Redis" in record.getMessage()] == [
        "Redis does not answer (ConnectionError); keys are looked up in the database"
    ]
    assert await alone.shared_fault() != "ok"


async def test_a_database_that_is_away_is_told_unless_the_key_is_known(
    ring: Keyring, redis_url: str, made: Made, clock: Clock
) -> None:
    assert await ring.find(made.presented)
    away = Keyring(SECRET, Store("postgresql://pulse@127.0.0.1:1/pulse"), KeyCache(redis_url), clock, clock.elapsed)

    assert await away.find(made.presented)
    with pytest.raises(Unavailable):
        await away.find(credential.make(public=False))
    await away.close()


@pytest.fixture
def away(tmp_path: Path) -> Callable[[], AbstractContextManager[None]]:
    """Takes the database away for a while."""

    @contextmanager
    def gone() -> Iterator[None]:
        file, elsewhere = tmp_path / "pulse.db", tmp_path / "elsewhere.db"
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        file.rename(elsewhere)
        file.mkdir()
        yield
        file.rmdir()
        elsewhere.rename(file)

    return gone


async def test_a_found_key_is_believed_longer_while_the_database_is_away(
    alone: Keyring, made: Made, store: Store, clock: Clock, away: Callable[[], AbstractContextManager[None]]
) -> None:
    unknown = credential.make(public=False)
    assert await alone.find(made.presented)
    store.close()
    with away():
        clock.ms += KNOWN_MS + LONGER_MS - 1
        assert await alone.find(made.presented)
        assert alone.believes()
        with pytest.raises(Unavailable):
            await alone.find(unknown)
        clock.ms += 1
        assert not alone.believes()
        with pytest.raises(Unavailable):
            await alone.find(made.presented)

    assert await alone.find(made.presented)
    assert await alone.find(unknown) is None


async def test_a_database_that_is_away_is_asked_now_and_then(
    alone: Keyring, made: Made, store: Store, clock: Clock, away: Callable[[], AbstractContextManager[None]]
) -> None:
    assert await alone.find(made.presented)
    store.close()
    clock.ms += KNOWN_MS
    with away():
        for _ in range(10):
            assert await alone.find(made.presented)
        assert alone.lookups == 2
        clock.ms += PAUSE_MS
        assert all(await asyncio.gather(*(alone.find(made.presented) for _ in range(10))))
        assert alone.lookups == 3

    store.keys.revoke("ours", "shop", made.stored.id, clock())
    clock.ms += PAUSE_MS
    assert await alone.find(made.presented) is None


async def test_a_key_that_has_ended_is_not_believed_longer(
    alone: Keyring, store: Store, clock: Clock, away: Callable[[], AbstractContextManager[None]]
) -> None:
    ends = clock() + KNOWN_MS + 5_000
    made = store.keys.create(NewKey("ours", "shop", "k", ("stats:read",), expires=ends), SECRET, clock())
    assert await alone.find(made.presented)
    store.close()
    with away():
        clock.ms = ends - 1
        assert await alone.find(made.presented)
        clock.ms = ends
        with pytest.raises(Unavailable):
            await alone.find(made.presented)


async def test_what_redis_holds_shows_no_key_and_goes_by_itself(ring: Keyring, redis_url: str, made: Made) -> None:
    await ring.find(made.presented)
    redis = Redis.from_url(redis_url, decode_responses=True)
    name = f"pulse:key:{made.stored.fingerprint}"
    held = await redis.get(name)

    assert held is not None
    assert 0 < await redis.pttl(name) <= KNOWN_MS
    everything = [*(await redis.keys("*")), held]
    for secret in (made.presented, made.presented[len(made.stored.prefix) :], made.stored.hashed, SECRET.decode()):
        assert secret not in str(everything)
    await redis.aclose()


async def test_nonsense_in_redis_is_passed_over(ring: Keyring, redis_url: str, made: Made) -> None:
    redis = Redis.from_url(redis_url)
    await redis.set(f"pulse:key:{made.stored.fingerprint}", b"{}")

    assert await ring.find(made.presented)
    await redis.aclose()


async def test_no_log_shows_a_key(ring: Keyring, alone: Keyring, made: Made, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for each in (ring, alone):
        await each.find(made.presented)
        await each.find(credential.make(public=True))
        await each.find(made.presented[:-1])

    assert made.presented[len(made.stored.prefix) :] not in caplog.text


async def test_use_is_noted(ring: Keyring, made: Made, store: Store, clock: Clock) -> None:
    await ring.find(made.presented)
    await ring.close()

    assert store.keys.get("ours", None, made.stored.id).last_used == clock()


async def test_there_is_no_keyring_without_a_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="PULSE_SECRET"):
        open_keyring(Settings.model_validate({"data": tmp_path, "secret": ""}))


@pytest.mark.parametrize(
    ("authorization", "x_api_key", "found"),
    [
        ("Bearer k", None, "k"),
        ("bearer  k ", None, "k"),
        (None, " k ", "k"),
        ("Bearer one", "two", "one"),
        ("Basic abc", "two", "two"),
        ("Bearer", None, None),
        ("Basic abc", None, None),
        (None, "", None),
        (None, None, None),
    ],
)
def test_a_key_stands_in_either_header(authorization: str | None, x_api_key: str | None, found: str | None) -> None:
    assert presented_key(authorization, x_api_key) == found
