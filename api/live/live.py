"""The live view as a whole: what is read is sent on, each second is counted, each connection is looked after."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from api.collector import vital
from api.control.store import Store
from api.keyring import Key, open_keyring
from api.live import meters, resume
from api.live.admission import Admission
from api.live.client import GONE, UNAUTHORIZED, Admitted, Audience, Client
from api.live.hub import Hub
from api.live.item import Read
from api.live.message import message
from api.live.position import BadId, Where
from api.live.ring import Ring
from api.live.tap import Starts, Tap, Told, has_reached
from api.live.ticket import Tickets
from api.live.token import Tokens
from api.live.turns import TURNS, due
from api.live.want import Want
from api.problems import BadParameter
from pulse.errors import Unavailable
from pulse.settings import Settings

MB = 1024 * 1024
FLUSH_S = 0.025
BEATS = 15
"""Each connection is sent a heartbeat so many seconds after the last one; every second those of one share of them."""
CHECK_S = 30.0
"""So often the keys of open connections are asked after."""

log = logging.getLogger(__name__)


class Live:
    """Everything that the routes stand on. `clients` are all that are connected, be they caught up or not."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._store = Store(settings.control_url)
        self._keyring = open_keyring(settings, self._store)
        self.tickets = Tickets(settings.redis_url.get_secret_value())
        self.admission = Admission(self._keyring, self.tickets, Tokens(settings), self._store)
        reach_ms = settings.live_buffer_seconds * 1000
        told = Told(self._opened, self._taken, self._extended, self._jumped)
        self._tap = Tap(settings.kafka_url, settings.fetch_wait_ms, reach_ms, told)
        self.hub: Hub | None = None
        self._ends: Mapping[Any, int] = {}
        self._is_caught_up = False
        self._is_leaving = False
        self._shares: list[set[Client]] = [set() for _ in range(BEATS)]
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> int:
        """How many connections there are."""
        return sum(map(len, self._shares))

    def begin(self) -> None:
        """Start; to be called in the event loop."""
        self._tap.begin()
        for each in (self._flushing(), self._ticking(), self._checking()):
            self._hold(vital.begin(each))

    async def close(self) -> None:
        """End everything."""
        self.leave()
        await self._tap.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._keyring.close()
        await self.tickets.close()
        self._store.close()

    def leave(self) -> None:
        """The process stops: clients are told to come again."""
        self._is_leaving = True
        self._end_all("the process stops: connect again")

    def run(self, job: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside, and hold it."""
        return self._hold(asyncio.get_running_loop().create_task(job))

    def fault(self) -> str:
        """``"ok"``, or why nobody can be sent anything."""
        if self._tap.fault != "ok":
            return self._tap.fault
        return "ok" if self.is_caught_up() else "the latest of the log is being read"

    def is_caught_up(self) -> bool:
        """Whether what was there at the start has been read."""
        if self.hub is not None and not self._is_caught_up:
            self._is_caught_up = has_reached(self.hub.position, self._ends)
        return self._is_caught_up

    async def shared_fault(self) -> str:
        """``"ok"``, or what is wrong with Redis."""
        return await self._keyring.shared_fault()

    async def store_fault(self) -> str:
        """``"ok"``, or what is wrong with the database of sites and keys."""
        try:
            await asyncio.wait_for(asyncio.to_thread(self._store.ping), 3)
        except (TimeoutError, Unavailable) as error:
            return str(error) or "the database of sites and keys does not answer"
        return "ok"

    def demand_room(self) -> None:
        """Raise Unavailable where one more connection cannot be taken."""
        if self.open >= self.settings.live_connections:
            raise Unavailable(f"there are {self.open} connections already (PULSE_LIVE_CONNECTIONS)")
        if self._is_leaving or not self.is_caught_up():
            raise Unavailable("the live view is starting or stopping: come again in a moment")

    def add(self, client: Client) -> None:
        """Look after a connection from now on."""
        min(self._shares, key=len).add(client)

    def remove(self, client: Client) -> None:
        """A connection has ended."""
        for share in self._shares:
            share.discard(client)
        if self.hub is not None:
            self.hub.leave(client)

    async def follow(self, client: Client, admitted: Admitted, want: Want, last_id: str) -> None:
        """Send a client what it missed, and have it sent what comes; raises BadParameter, Unavailable."""
        hub = self.hub
        if hub is None:
            raise Unavailable("the live view is starting")
        client.admitted = admitted
        audience = Audience(admitted.site, want.shows(), want.rule())
        try:
            await resume.begin(hub, client, audience, last_id)
        except BadId as error:
            raise BadParameter("last_id", str(error)) from None
        if client.audience is not None and "aggregate" in audience.shows:
            client.put(message("aggregate", **hub.counting.aggregate(audience.site, now_ms())))

    def _hold(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _opened(self, starts: Starts) -> None:
        self._end_all("the log was made anew: connect again")
        self._ends, self._is_caught_up = starts.ends, False
        ring = Ring(starts.begins, self.settings.live_buffer_mb * MB)
        self.hub = Hub(starts.log, ring, self.settings.live_visitors)

    def _taken(self, records: Sequence[Read]) -> None:
        assert self.hub is not None
        self.hub.take(records, now_ms())
        meters.EVENTS.inc(sum(part.events for record in records for part in record.counted))

    def _extended(self, begins: Mapping[Where, int]) -> None:
        assert self.hub is not None
        self.hub.extend(begins)

    def _jumped(self, where: Where, offset: int) -> None:
        assert self.hub is not None
        self.hub.jump(where, offset)

    def _end_all(self, reason: str) -> None:
        for client in [client for share in self._shares for client in share]:
            client.end(GONE, reason)

    async def _flushing(self) -> None:
        """Send what is read, forty times a second; more seldom where sending itself takes long."""
        pause = FLUSH_S
        while True:
            await asyncio.sleep(pause)
            if self.hub is None or self.hub.sent == self.hub.position:
                continue
            began = time.perf_counter()
            self.hub.flush()
            await asyncio.sleep(0)  # what was written is sent at the end of the loop's turn
            took = time.perf_counter() - began
            meters.FLUSH.observe(took)
            pause = max(FLUSH_S, 2 * took)

    async def _ticking(self) -> None:
        """Take each turn once a second, whatever the clock on the wall does; those that are late one after the other."""
        last = int(time.monotonic() * TURNS)
        while True:
            await asyncio.sleep(max((last + 1) / TURNS - time.monotonic(), 0))
            turns = due(last, time.monotonic())
            for each in turns:
                await self._tick(each % TURNS)
            last = turns[-1] if turns else last

    async def _tick(self, number: int) -> None:
        if self.hub is None:
            return
        began = time.perf_counter()
        self.hub.tick(number, now_ms())
        await asyncio.sleep(0)
        meters.TICK.observe(time.perf_counter() - began)
        if number == 0:
            meters.BUFFER.set(self.hub.ring.bytes)
            self._beat(self.hub)

    def _beat(self, hub: Hub) -> None:
        self._turn = (self._turn + 1) % BEATS
        beat = message("heartbeat", hub.current_id(), at=now_ms())
        for client in tuple(self._shares[self._turn]):
            if client.audience is not None:
                client.beat(beat)

    async def _checking(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            await self.check(now_ms())

    async def check(self, now: int) -> None:
        """End the connections of keys and tokens that are valid no longer; `now` in ms."""
        self._end_those(lambda each: each.ends is not None and each.ends <= now)
        over: set[tuple[Key | None, str]] = set()
        for key, site in {(each.key, each.site) for each in self._admitted()}:
            try:
                if not await self.admission.still(key, site, now):
                    over.add((key, site))
            except Unavailable as error:
                log.warning("keys of open connections are not asked after: %s", error)
                break
        self._end_those(lambda each: (each.key, each.site) in over)

    def _admitted(self) -> set[Admitted]:
        return {client.admitted for share in self._shares for client in share if client.admitted}

    def _end_those(self, is_over: Callable[[Admitted], bool]) -> None:
        clients = [client for share in self._shares for client in share]
        for client in clients:
            if client.admitted is not None and is_over(client.admitted):
                client.end(UNAUTHORIZED, f"the {'key' if client.admitted.key else 'token'} is no longer valid")


def now_ms() -> int:
    """This moment, in ms since the epoch."""
    return time.time_ns() // 1_000_000
