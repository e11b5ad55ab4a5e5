"""The collector's app: what takes events in front, the rest behind it."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from api.collector import vital
from api.collector.admission import Admission
from api.collector.body import Receive
from api.collector.flood import Floods
from api.collector.form import EVENTS, PATH
from api.collector.gather import Gatherer
from api.collector.ingest import Ingest, Scope, Send
from api.collector.lead.form import LEAD
from api.collector.lead.form import PATH as LEAD_PATH
from api.collector.lead.keep import Leads
from api.collector.pages import Lifespan, Readiness, create_pages
from api.collector.quota import Quota
from api.collector.receipt import Rules
from api.collector.tally import Tally
from api.collector.track.routes import TRACK
from api.collector.visitor import proxies
from api.collector.way import Way
from api.control.store import Store
from api.keyring import Keyring, open_keyring, secret_of
from pulse.clock import Bounds
from pulse.errors import Unavailable
from pulse.settings import Settings
from pulse.topics import RAW, REFINING, SLOW

App = Callable[[Scope, Receive, Send], Awaitable[None]]

MB = 1024 * 1024
PING_S = 4
"""How long the database of keys may take to answer whether it is there."""
GC_THRESHOLDS = (50_000, 50, 100)
"""Requests make no cycles; collecting often only costs."""
FORMS = {PATH: EVENTS, LEAD_PATH: LEAD, **TRACK}
"""What is sent to each path that takes events."""


def create_app(settings: Settings) -> App:
    """The collector as an ASGI app; raises SettingError for settings that cannot be."""
    tally = Tally()
    believed = rules(settings)
    store = Store(settings.control_url)
    keyring = open_keyring(settings, store)
    way = Way(settings, tally)
    linger_s, events = settings.linger_ms / 1000, settings.batch_events
    gatherers = {topic: Gatherer(way.route, _later, linger_s, events, topic=topic) for topic in REFINING}
    most = settings.waiting_mb * MB
    admission = Admission(way, list(gatherers.values()), most)
    tally.in_flight.set_function(lambda: admission.waiting_bytes)
    tally.behind.set_function(lambda: way.lagging[RAW].verdict.behind_s)
    tally.slow_behind.set_function(lambda: way.lagging[SLOW].verdict.behind_s)

    async def checks() -> Readiness:
        keys = await _ping(store)
        return Readiness((keys == "ok" or keyring.believes()) and way.fault() is None, {**way.checks(), "keys": keys})

    pages = create_pages(checks, tally, _lifespan(way, list(gatherers.values()), keyring, store))
    quota = Quota(settings.key_events_per_second) if settings.key_events_per_second else None
    floods = Floods(settings.visitor_events_per_second, settings.site_events_per_second)
    leads = Leads(store.leads, secret_of(settings), settings.leads_per_minute, tally)
    doors = keyring.find, gatherers, admission, quota, floods, believed, tally
    ingest = Ingest(FORMS, *doors, way.partitions, most, leads)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in FORMS:
            await ingest(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app


def _lifespan(way: Way, gatherers: list[Gatherer], keyring: Keyring, store: Store) -> Lifespan:
    """What frames the collector's life: at its end, what it holds is sent before what it uses is closed."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watching = [vital.begin(each) for each in way.watching()]
        way.route.begin()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        yield
        for each in gatherers:
            each.flush()
        await way.route.stop(lambda: way.watch.fault)
        for watch in watching:
            watch.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await keyring.close()
        store.close()

    return lifespan


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
