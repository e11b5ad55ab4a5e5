"""Deliveries for tests: a database with a site and its endpoints, and a courier whose clock runs faster."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.control.database import Database
from api.control.deliveries import delivery_of
from api.control.dispatch import Dispatch, Heard
from api.control.endpoints import NewEndpoint
from api.control.migrate import migrate
from api.control.outcome import Health, Outcomes
from api.control.outgoing import Attempt, Delivery, Endpoint
from api.control.seal import LEADS, Seal
from api.control.store import Store
from api.delivery.courier import Courier, Pace
from api.delivery.message import Seals
from api.delivery.post import Post
from pulse.notice import Notice
from pulse.outbound.address import networks
from pulse.outbound.call import Caller
from pulse.outbound.verdict import GAPS_S

SECRET = b"a long text that only this test knows"
FASTER = 200
"""How much faster the schedule goes: 10 minutes take 3 seconds."""
FAST = Pace(tuple(gap / FASTER for gap in GAPS_S), lease_ms=20_000, poll_s=0.05)


@dataclass
class Outgoing:
    """A database of the control plane with the sites shop and rival, and what delivers from it."""

    url: str
    store: Store
    database: Database
    seal: Seal
    secret: bytes = SECRET

    @property
    def seals(self) -> Seals:
        """What opens what is sealed."""
        return Seals(self.seal, Seal(self.secret, LEADS))

    @property
    def dispatch(self) -> Dispatch:
        """What the delivery process asks."""
        return Dispatch(self.database)

    def endpoint(self, url: str, site: str = "shop", **given: Any) -> Endpoint:
        """A new endpoint that wants everything, unless told otherwise."""
        wanted = NewEndpoint(site, site, "an endpoint", url, ["*"], "json")
        return self.store.endpoints.create(replace(wanted, **given), self.seal, now_ms()).stored

    def tell(self, *ids: str, kind: str = "alert.firing", site: str = "shop", **data: Any) -> int:
        """Have notices written as the delivery process writes them; how many deliveries are new."""
        notices = [Notice(id=each, kind=kind, site_id=site, at=now_ms(), data=data) for each in ids]
        return self.dispatch.write([Heard(notice, now_ms()) for notice in notices], now_ms())

    def delivery(self, endpoint: Endpoint, notice: str) -> tuple[Delivery, list[Attempt]]:
        """What is stored of a delivery."""
        known = delivery_of(endpoint.id, Notice(id=notice, kind="", site_id="", at=0), 0).id
        delivery, attempts = self.store.deliveries.get(endpoint.id, known)
        return delivery, list(attempts)

    def now(self, endpoint: Endpoint) -> Endpoint:
        """An endpoint as it is now."""
        return self.store.endpoints.get(endpoint.organisation, None, endpoint.id)

    @asynccontextmanager
    async def courier(
        self,
        pace: Pace = FAST,
        health: Health = Health(5),
        total_s: float = 8.0,
        name: str = "test",
        smtp_url: str = "",
    ) -> AsyncIterator[Courier]:
        """A courier at work."""
        stop = asyncio.Event()
        async with Caller(networks("127.0.0.0/8"), total_s=total_s) as caller:
            post = Post(caller, smtp_url)
            outcomes = Outcomes(self.database, health)
            courier = Courier(self.dispatch, outcomes, post, self.seals, name, "pulse@example.org", pace)
            running = asyncio.create_task(courier.run(stop))
            yield courier
            stop.set()
            courier.wake()
            await asyncio.wait_for(running, 30)


def outgoing(folder: Path, url: str | None = None) -> Outgoing:
    """A new database in a folder, or the empty one of an address."""
    address = url or f"sqlite:///{folder / 'pulse.db'}"
    migrate(address)
    store = Store(address)
    for site in ("shop", "rival"):
        store.sites.ensure_organisation(site, site, 0)
        store.sites.create(site, site, {"name": site}, 0)
    return Outgoing(address, store, Database(address), Seal(SECRET))


async def until(look: Callable[[], Any], within_s: float = 60.0) -> None:
    """Wait until something is true, leaving the loop to others."""
    deadline = time.monotonic() + within_s
    while not await asyncio.to_thread(look):
        assert time.monotonic() < deadline, "it did not become true in time"
        await asyncio.sleep(0.02)


def now_ms() -> int:
    """This moment, in ms since the epoch."""
    return time.time_ns() // 1_000_000
