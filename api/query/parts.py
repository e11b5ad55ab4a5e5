"""What the routes stand on, made once for the app."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from api.control.publish import Publisher
from api.control.store import Store
from api.keyring import Keyring, open_keyring, secret_of
from clickhouse.bounded import Limits
from clickhouse.client import Client, connect
from pulse.errors import PulseError
from pulse.settings import Settings

QUESTIONS_AT_ONCE = 8
"""How many questions ClickHouse is asked at a time; the others wait for their turn."""
CHECK_S = 3.0
HOUR_MS = 3_600_000

Got = TypeVar("Got")


@dataclass
class Parts:
    """The backing services, each reached when it is first needed and again after it was away.

    `window_ms` is for how long an event's id is remembered, `limits` are those of a question of a report.
    """

    secret: bytes
    keyring: Keyring
    store: Store
    client: Client
    publisher: Publisher
    kafka_url: str
    window_ms: int
    limits: Limits
    turns: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(QUESTIONS_AT_ONCE))

    async def ask(self, question: Callable[[Client], Got]) -> Got:
        """What a question to ClickHouse brings; it blocks a thread, not the loop."""
        return await to_thread.run_sync(question, self.client, limiter=self.turns)

    async def stored(self, call: Callable[[Store], Got]) -> Got:
        """What a call of the store brings."""
        return await to_thread.run_sync(call, self.store)

    async def checks(self) -> dict[str, str]:
        """Each backing service with ``"ok"`` or what is wrong with it."""
        clickhouse, redis, store = await asyncio.gather(
            _fault(self.client.ping),
            self.keyring.shared_fault(),
            _fault(self.store.ping),
        )
        return {"clickhouse": clickhouse, "redis": redis, "store": store}

    async def close(self) -> None:
        """Publish what waits, and give back threads and connections."""
        await to_thread.run_sync(self.publisher.stop)
        await self.keyring.close()
        self.client.close()
        self.store.close()


def assemble(settings: Settings) -> Parts:
    """The parts that the settings describe; raises SettingError if there is no secret."""
    store = Store(settings.control_url, lambda name: publisher.announce(name))
    publisher = Publisher(settings.kafka_url, store)
    return Parts(
        secret_of(settings),
        open_keyring(settings, store),
        store,
        connect(settings),
        publisher,
        settings.kafka_url,
        int(settings.dedup_hours * HOUR_MS),
        Limits(settings.query_seconds, settings.query_mb, settings.query_rows),
    )


def now_ms() -> int:
    """This moment, in ms since the epoch."""
    return time.time_ns() // 1_000_000


def _of(request: Request) -> Parts:
    found: Parts = request.app.state.parts
    return found


With = Annotated[Parts, Depends(_of)]
"""The parts, as a route takes them."""


async def _fault(check: Callable[[], None]) -> str:
    try:
        await asyncio.wait_for(asyncio.to_thread(check), CHECK_S)
    except TimeoutError:
        return f"does not answer within {CHECK_S:.0f} s"
    except PulseError as error:
        return str(error)
    return "ok"
