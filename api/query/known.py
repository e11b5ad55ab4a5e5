"""Whether people are known behind a site's visitors, and of which state: asked of ClickHouse beside, and no older than three seconds.

Only questions about such sites look into the dictionary of people; the others cost what they cost without it. A server
reads the dictionary anew by itself; the embedded one does not, so whoever asks has it read where something was stored since.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from typing import NamedTuple

from anyio import to_thread

from clickhouse import people
from clickhouse.client import Client
from pulse.errors import QueryError, Unavailable

RENEWED_S = 2.5
"""At this age what is known is asked anew while it is still given, so that nobody waits for it who asks all the time."""
KEPT_S = 3.0
MOST_SITES = 10_000
AT_ONCE = 1_000
"""So many sites are asked about together."""
READ_S = 2.0
PAUSE = 10
"""Reading the dictionary takes at most one part of the time in so many, however much is stored."""


class Known(NamedTuple):
    """The dictionary to look into, empty where nobody was identified; and its state, another one when people change."""

    people: str
    state: str


class People:
    """What is known of each site. Belongs to one event loop."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._reading = Lock()
        self._read = ""
        self._read_again = 0.0
        self._asking: dict[str, asyncio.Task[Known]] = {}
        self._wanted: set[str] = set()
        self._found: OrderedDict[str, tuple[Known, float]] = OrderedDict()

    async def of(self, site_id: str) -> Known:
        """What is known of a site, three seconds ago at most; where ClickHouse does not answer, what is right whatever it is.

        Raises Unavailable if there is no such dictionary.
        """
        known, at = self._found.get(site_id, (None, 0.0))
        age = time.monotonic() - at
        if known is not None and age < KEPT_S:
            self._want(site_id, age)
            return known
        try:
            return await asyncio.shield(self._asked(site_id))
        except Unavailable:
            return known or Known(self._dictionary, "")
        except QueryError as error:
            raise Unavailable(
                f"the dictionary of people, which `pulse migrate` makes, cannot be read: {error}"
            ) from None

    def _want(self, site_id: str, age: float) -> None:
        """Ask in the background about one that is soon too old, and about all others with it that were asked for meanwhile."""
        if age >= RENEWED_S:
            self._asked(site_id)
        elif len(self._wanted) < AT_ONCE:
            self._wanted.add(site_id)

    def _asked(self, site_id: str) -> "asyncio.Task[Known]":
        """The question of a site's state: one for all who wait for it, whoever of them goes away."""
        asking = self._asking.get(site_id)
        if asking is None:
            asking = self._asking[site_id] = asyncio.ensure_future(self._renewed(site_id))
            asking.add_done_callback(lambda done: (self._asking.pop(site_id), done.cancelled() or done.exception()))
        return asking

    async def _renewed(self, site_id: str) -> Known:
        began = time.monotonic()
        sites = [site_id, *(self._wanted - self._asking.keys())]
        self._wanted.clear()
        for site, state in zip(sites, await to_thread.run_sync(self._states, sites), strict=True):
            self._kept(site, Known(self._dictionary if state else "", state), began)
        return self._found[site_id][0]

    def _states(self, sites: Sequence[str]) -> list[str]:
        if self._reading.acquire(blocking=False):
            try:
                if time.monotonic() >= self._read_again:
                    return self._refreshed(sites)
            finally:
                self._reading.release()
        return people.states(self._client, sites)

    def _refreshed(self, sites: Sequence[str]) -> list[str]:
        """Have the dictionary read if there is something new; an account that may not leaves it to the server."""
        began = time.monotonic()
        try:
            mark, states = people.looked(self._client, sites)
            if mark != self._read:
                with suppress(QueryError):
                    people.reload(self._client)
                self._read = mark
                states = people.states(self._client, sites)
        finally:
            took = time.monotonic() - began
            self._read_again = began + max(READ_S, took * PAUSE)
        return states

    @property
    def _dictionary(self) -> str:
        return people.dictionary_of(self._client.database)

    def _kept(self, site_id: str, known: Known, at: float) -> None:
        if self._found.get(site_id, (known, at))[1] > at:
            return
        self._found[site_id] = (known, at)
        self._found.move_to_end(site_id)
        if len(self._found) > MOST_SITES:
            self._found.popitem(last=False)
