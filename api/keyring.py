"""Which key a request presents: cached in the process and in Redis, the database behind."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from logging import getLogger
from typing import TypeVar

from prometheus_client import Counter

from api.control import credential
from api.control.keycache import KeyCache, Known
from api.control.store import Store
from pulse.errors import PulseError, SettingError, Unavailable
from pulse.mode import STANDARD, Mode
from pulse.settings import Settings

KNOWN_MS = 60_000
"""For how long a found key is believed, counted from the look-up in the database: a revoked one ends within this."""
UNKNOWN_MS = 5_000
LONGER_MS = 600_000
"""For how much longer a found key is believed while the database cannot be asked."""
PAUSE_MS = 5_000
"""How long a database that did not answer is not asked for keys that are believed."""
ANSWER_S = 10
"""A database that says nothing for so long is away."""
MOST_CACHED = 20_000
THREADS = 4

LOOKUPS = Counter("pulse_key_lookups", "Look-ups of keys in the database.")
log = getLogger(__name__)
Got = TypeVar("Got")


@dataclass(frozen=True)
class Key:
    """Who asks: the tenant and what it may do. `site_id` is None for a key of the whole organisation."""

    id: str
    organisation: str
    site_id: str | None
    scopes: frozenset[str]
    origins: tuple[str, ...]
    public: bool
    mode: Mode = STANDARD
    """What its site keeps of whoever visits it."""


@dataclass(frozen=True)
class _Entry:
    key: Key | None
    until: int
    ends: int | None = None


class Keyring:
    """Finds keys. Belongs to one event loop.

    `now` is the time of day, by which a key ends; `elapsed` never steps, and tells what was looked up too long ago.
    """

    def __init__(
        self,
        secret: bytes,
        store: Store,
        shared: KeyCache,
        now: Callable[[], int] | None = None,
        elapsed: Callable[[], int] | None = None,
    ) -> None:
        self._secret = secret
        self._store = store
        self._shared = shared
        self._now = now or _now_ms
        self._elapsed = elapsed or _elapsed_ms
        self._away_until: int | None = None
        self._cached: OrderedDict[str, _Entry] = OrderedDict()
        self._unknown: OrderedDict[str, _Entry] = OrderedDict()
        self._looking: dict[str, asyncio.Task[_Entry]] = {}
        self._touching: set[asyncio.Future[None]] = set()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="keys")
        self.lookups = 0

    async def find(self, presented: str) -> Key | None:
        """The valid key that was presented; None if it is unknown, revoked, expired or its site archived.

        Raises Unavailable if the database does not answer and the key was not found in the last eleven minutes.
        """
        if not credential.has_shape(presented):
            return None
        fingerprint = credential.fingerprint(self._secret, presented)
        entry = self._cached.get(fingerprint) or self._unknown.get(fingerprint)
        if entry is None or entry.until <= self._elapsed():
            entry = await self._renewed(fingerprint, presented, entry)
        return entry.key

    async def forget(self, fingerprint: str) -> None:
        """Make a change of a key take effect here and in Redis at once, in other processes within a minute."""
        await self._shared.forget(fingerprint)
        self._cached.pop(fingerprint, None)
        self._unknown.pop(fingerprint, None)

    async def shared_fault(self) -> str:
        """``"ok"``, or what is wrong with Redis; without it keys are still found, more slowly."""
        return await self._shared.fault()

    def believes(self) -> bool:
        """Whether some key is found even if the database cannot be asked."""
        return any(self._is_believed(entry) for entry in reversed(self._cached.values()))

    async def close(self) -> None:
        """End what is under way and give back threads and connections."""
        await asyncio.gather(*self._looking.values(), *self._touching, return_exceptions=True)
        self._threads.shutdown()
        await self._shared.close()

    async def _renewed(self, fingerprint: str, presented: str, old: _Entry | None) -> _Entry:
        believed = old if old is not None and self._is_believed(old) else None
        if believed is not None and not self._is_asked():
            return believed
        try:
            return await self._once(fingerprint, presented)
        except Unavailable as error:
            self._missing(error)
            if believed is None:
                raise
            return believed

    def _is_asked(self) -> bool:
        """Whether the database is to be asked for a key that is believed; while it is away, by one request at a time."""
        if self._away_until is None:
            return True
        if self._elapsed() < self._away_until:
            return False
        self._away_until = self._elapsed() + PAUSE_MS
        return True

    def _is_believed(self, entry: _Entry) -> bool:
        if entry.key is None or entry.until + LONGER_MS <= self._elapsed():
            return False
        return entry.ends is None or self._now() < entry.ends

    def _missing(self, error: Exception) -> None:
        if self._away_until is None:
            log.warning("%s; keys that were found before are believed for a while", error)
        self._away_until = self._elapsed() + PAUSE_MS

    async def _once(self, fingerprint: str, presented: str) -> _Entry:
        task = self._looking.get(fingerprint)
        if task is None:
            task = asyncio.create_task(self._look(fingerprint, presented))
            self._looking[fingerprint] = task
            task.add_done_callback(lambda _: self._looking.pop(fingerprint, None))
        return await asyncio.shield(task)

    async def _look(self, fingerprint: str, presented: str) -> _Entry:
        now, begun = self._now(), self._elapsed()
        known = await self._shared.get(fingerprint)
        if known is None or known.until <= now:
            known = await self._stored(fingerprint, presented, now)
        entry = (
            _Entry(None, begun + UNKNOWN_MS)
            if known is None
            else _Entry(_key(known), begun + min(known.until - now, KNOWN_MS), known.ends)
        )
        self._keep(fingerprint, entry)
        if known is not None:
            self._touch(known.id, now)
        return entry

    async def _stored(self, fingerprint: str, presented: str, now: int) -> Known | None:
        self.lookups += 1
        LOOKUPS.inc()
        known = await self._asked(lambda: self._store.keys.verified(fingerprint, presented, now, now + KNOWN_MS))
        if known is not None:
            await self._shared.put(fingerprint, known, known.until - now)
        return known

    async def _asked(self, call: Callable[[], Got]) -> Got:
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._thread(call)
        except TimeoutError:
            raise Unavailable("the database of sites and keys does not answer") from None
        if self._away_until is not None:
            log.info("the database of sites and keys answers again")
        self._away_until = None
        return answer

    def _keep(self, fingerprint: str, entry: _Entry) -> None:
        """Unknown keys are kept apart, lest a flood of them push out those that are known."""
        cache, other = (self._unknown, self._cached) if entry.key is None else (self._cached, self._unknown)
        other.pop(fingerprint, None)
        cache[fingerprint] = entry
        cache.move_to_end(fingerprint)
        if len(cache) > MOST_CACHED:
            cache.popitem(last=False)

    def _touch(self, key_id: str, now: int) -> None:
        job = asyncio.ensure_future(self._touched(key_id, now))
        self._touching.add(job)
        job.add_done_callback(self._touching.discard)

    async def _touched(self, key_id: str, now: int) -> None:
        try:
            await self._thread(lambda: self._store.keys.touch(key_id, now))
        except PulseError as error:
            log.warning("the use of a key is not noted: %s", error, extra={"key": key_id})

    async def _thread(self, call: Callable[[], Got]) -> Got:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def open_keyring(settings: Settings, store: Store | None = None) -> Keyring:
    """The keyring that the settings describe; raises SettingError if there is no secret."""
    shared = KeyCache(settings.redis_url.get_secret_value())
    return Keyring(secret_of(settings), store or Store(settings.control_url), shared)


def secret_of(settings: Settings) -> bytes:
    """The server's secret; raises SettingError if it is not set."""
    secret = settings.secret.get_secret_value()
    if not secret:
        raise SettingError("PULSE_SECRET: is not set; give the same long random text to every process")
    return secret.encode()


def presented_key(authorization: str | None, x_api_key: str | None) -> str | None:
    """The key in a request's `Authorization: Bearer …` or `X-API-Key` header, None if there is none."""
    scheme, _, key = (authorization or "").strip().partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return (x_api_key or "").strip() or None


def _key(known: Known) -> Key:
    scopes, origins = frozenset(known.scopes), tuple(known.origins)
    return Key(known.id, known.organisation, known.site_id, scopes, origins, known.public, known.mode)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _elapsed_ms() -> int:
    return time.monotonic_ns() // 1_000_000
