"""The collector's app: the hot route in front, the rest behind it."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI

from api.collector.body import Receive
from api.collector.gather import Gatherer
from api.collector.ingest import PATH, Ingest, Scope, Send
from api.collector.pages import Ready, create_pages
from api.collector.producer import RawLog
from api.collector.receipt import Rules
from api.collector.tally import Tally
from api.collector.topic import Topics
from api.collector.visitor import proxies
from api.collector.watch import Watch
from api.control.store import Store
from api.keyring import open_keyring
from pulse.clock import Bounds
from pulse.errors import Unavailable
from pulse.settings import Settings

App = Callable[[Scope, Receive, Send], Awaitable[None]]

MB = 1024 * 1024
PING_S = 4
"""How long the database of keys may take to answer whether it is there."""
GC_THRESHOLDS = (50_000, 50, 100)
"""Requests make no cycles; collecting often only costs."""


def create_app(settings: Settings) -> App:
    """The collector as an ASGI app; raises SettingError for settings that cannot be."""
    tally = Tally()
    store = Store(settings.control_url)
    keyring = open_keyring(settings, store)
    raw = RawLog(settings.kafka_url, settings.produce_timeout_ms, settings.waiting_mb * MB, tally)
    watch = Watch(Topics(settings.kafka_url), raw)
    gatherer = Gatherer(raw, _later, settings.linger_ms / 1000, settings.batch_events)
    tally.in_flight.set_function(lambda: raw.in_flight_bytes + gatherer.pending_bytes)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(watch.run())
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        yield
        gatherer.flush()
        await raw.stop()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await keyring.close()
        store.close()

    async def checks() -> Ready:
        found = {"kafka": watch.fault or "ok", "keys": await _ping(store)}
        return Ready(found, watch.fault is None and (found["keys"] == "ok" or keyring.believes()))

    pages = create_pages(checks, tally, lifespan)
    ingest = Ingest(keyring.find, gatherer, raw, watch, rules(settings), tally, settings.waiting_mb * MB)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            await ingest(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app


def rules(settings: Settings) -> Rules:
    """How requests are judged by these settings; raises SettingError if a proxy's network is none."""
    bounds = Bounds(int(settings.late_days * 86_400_000), int(settings.early_seconds * 1000))
    return Rules(bounds, proxies(settings.trusted_proxies), settings.country_header.lower().encode("latin-1"))


def _later(seconds: float, call: Callable[[], Any]) -> asyncio.TimerHandle | asyncio.Handle:
    return asyncio.get_running_loop().call_later(seconds, call)


async def _ping(store: Store) -> str:
    try:
        async with asyncio.timeout(PING_S):
            await asyncio.to_thread(store.ping)
    except Unavailable as error:
        return str(error)
    except TimeoutError:
        return f"the database of sites and keys does not answer within {PING_S} s"
    return "ok"
