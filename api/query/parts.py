"""What the routes stand on, made once for the app."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from api.control.model import Site
from api.control.publish import Publisher
from api.control.store import Store
from api.keyring import Keyring, open_keyring, secret_of
from api.query.cache import AnswerCache
from api.query.keeper import ANSWER_S, Keeper, patient
from api.query.known import People
from api.query.nightly import Nightly
from api.query.repeated import Memory
from clickhouse.analyst import Analyst, analyst_of
from clickhouse.bounded import Limits
from clickhouse.client import Client, connect
from pulse.errors import PulseError
from pulse.outbound.address import Network, networks
from pulse.outbound.mail import demand_server
from pulse.recordings.store import Objects, opened
from pulse.settings import Settings

QUESTIONS_AT_ONCE = 8
"""How many questions ClickHouse is asked at a time; the others wait for their turn."""
STATEMENTS_AT_ONCE = 4
"""The same of analysts' own SQL, whose turns last until the answer is fetched."""
BACKTESTS_AT_ONCE = 1
"""They take a core each while they last, which reports need as well."""
RECORDINGS_AT_ONCE = 4
"""Each reads with several threads of its own."""
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
    people: People
    publisher: Publisher
    kafka_url: str
    window_ms: int
    limits: Limits
    answers: AnswerCache
    analyst: Analyst
    callable_networks: Sequence[Network] = ()
    """Private networks that webhooks may call all the same."""
    has_mail: bool = False
    funnels: Keeper | None = None
    """What keeps the rows of saved funnels; None on a cluster, where the events answer for them."""
    nightly: Nightly | None = None
    """What makes snapshots of retention."""
    recordings: Objects | None = None
    """Where sessions are recorded; None where they are not."""
    memory: Memory = field(default_factory=Memory)
    """What requests meant lately."""
    turns: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(QUESTIONS_AT_ONCE))
    sql_turns: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(STATEMENTS_AT_ONCE))
    backtest_turns: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(BACKTESTS_AT_ONCE))
    recording_turns: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(RECORDINGS_AT_ONCE))
    site: Site | None = None
    """The one that a request was found to be about."""

    async def put(self, change: Callable[[Client], Got]) -> Got:
        """What storing something in ClickHouse brings; it blocks a thread, not the loop."""
        return await to_thread.run_sync(change, self.client, limiter=self.turns)

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
        if self.funnels is not None:
            await to_thread.run_sync(self.funnels.stop)
        if self.nightly is not None:
            await to_thread.run_sync(self.nightly.stop)
        await self.keyring.close()
        await self.answers.close()
        await self.analyst.close()
        self.client.close()
        self.store.close()


def assemble(settings: Settings) -> Parts:
    """The parts that the settings describe; raises SettingError if there is no secret, or for a mail server that cannot be."""
    demand_server(settings.smtp_url.get_secret_value())
    store = Store(settings.control_url, lambda name: publisher.announce(name))
    publisher = Publisher(settings.kafka_url, store)
    client = connect(settings)
    limits = Limits(settings.query_seconds, settings.query_mb, settings.query_rows)
    return Parts(
        secret_of(settings),
        open_keyring(settings, store),
        store,
        client,
        People(client),
        publisher,
        settings.kafka_url,
        int(settings.dedup_hours * HOUR_MS),
        limits,
        AnswerCache(settings.redis_url.get_secret_value(), settings.cache_seconds),
        analyst_of(settings),
        networks(settings.webhook_allow),
        bool(settings.smtp_url.get_secret_value()),
        None if settings.clickhouse_cluster else Keeper(store, patient(settings)),
        Nightly(store, patient(settings), replace(limits, seconds=ANSWER_S), now_ms, not settings.clickhouse_cluster),
        opened(settings),
    )


def now_ms() -> int:
    """This moment, in ms since the epoch."""
    return time.time_ns() // 1_000_000


async def _of(request: Request) -> Parts:
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
