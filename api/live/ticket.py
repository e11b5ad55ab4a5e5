"""One-time tickets, for who cannot set a header: made on a key, valid once and for a short while.

Kept in Redis, where every process finds them; while Redis is away in this process alone, which then says so.
"""

import secrets
from hashlib import sha256
from logging import getLogger
from time import monotonic

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from api.keyring import Key

VALID_S = 30
TIMEOUT_S = 0.5
MOST_HERE = 10_000
PREFIX = "pulse_ticket_"

log = getLogger(__name__)


class Stub(Struct, omit_defaults=True):
    """What is kept of a ticket: the key that it was made on, nothing by which that could be presented."""

    id: str
    organisation: str
    site_id: str | None
    scopes: list[str]
    origins: list[str] = []


class Tickets:
    """Makes tickets and takes each once. `elapsed` is in seconds and never steps."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            redis_url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        )
        self._here: dict[str, tuple[float, bytes]] = {}

    async def make(self, key: Key) -> tuple[str, bool]:
        """A ticket on a key, and whether every process takes it."""
        ticket = PREFIX + secrets.token_urlsafe(24)
        stub = msgspec.json.encode(Stub(key.id, key.organisation, key.site_id, sorted(key.scopes), list(key.origins)))
        try:
            await self._redis.set(_name(ticket), stub, ex=VALID_S)
        except (RedisError, OSError) as error:
            log.warning("Redis does not answer (%s); a ticket is kept here", type(error).__name__)
            self._keep(_name(ticket), stub, monotonic())
            return ticket, False
        return ticket, True

    async def take(self, ticket: str) -> Key | None:
        """The key of a ticket, which is used up; None if it is none, is used up already or too old."""
        if not ticket.startswith(PREFIX):
            return None
        until, stub = self._here.pop(_name(ticket), (0.0, b""))
        if not stub:
            return _key(await self._shared(_name(ticket)))
        return _key(stub) if monotonic() < until else None

    async def close(self) -> None:
        """Give back the connections."""
        await self._redis.aclose()

    async def _shared(self, name: str) -> bytes | None:
        try:
            found = await self._redis.getdel(name)
        except (RedisError, OSError) as error:
            log.warning("Redis does not answer (%s); a ticket is not found", type(error).__name__)
            return None
        return found if isinstance(found, bytes) else None

    def _keep(self, name: str, stub: bytes, now: float) -> None:
        for old in [old for old, (until, _) in self._here.items() if until <= now]:
            del self._here[old]
        if len(self._here) >= MOST_HERE:
            self._here.pop(next(iter(self._here)))
        self._here[name] = now + VALID_S, stub


def _key(stub: bytes | None) -> Key | None:
    if stub is None:
        return None
    try:
        found = msgspec.json.decode(stub, type=Stub)
    except msgspec.DecodeError:
        return None
    return Key(found.id, found.organisation, found.site_id, frozenset(found.scopes), tuple(found.origins), public=False)


def _name(ticket: str) -> str:
    return f"pulse:ticket:{sha256(ticket.encode()).hexdigest()}"
