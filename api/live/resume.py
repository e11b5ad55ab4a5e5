"""A client that was cut off is sent what it has missed, as fast as it takes it, and then joins the others."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from time import monotonic

from api.live import meters
from api.live.client import Audience, Client
from api.live.hub import Hub
from api.live.item import Item
from api.live.message import Message, message
from api.live.parting import messages
from api.live.position import Mark, Position, Where, position_of

AHEAD_S = 5.0
"""For so long a process that lies behind the one that gave the id may take to reach it."""
EVERY_S = 0.02
AT_ONCE = 500
"""Items that are sent before the client is waited for."""


async def begin(hub: Hub, client: Client, audience: Audience, last_id: str) -> None:
    """Send a client what comes after an id, then what is new; without an id what is new alone. Raises BadId."""
    asked = position_of(last_id) if last_id else None
    client.is_catching_up = True
    if asked is not None:
        position, missing = await _place(hub, *asked)
        if not await client.room():
            return
        client.put(_hello(audience))
        if missing:
            _tell_gap(client, missing)
        else:
            meters.RESUMED.inc()
        if not await _caught_up(hub, client, audience, position):
            return
    else:
        client.put(_hello(audience, hub.current_id()))
    client.is_catching_up = False
    hub.join(client, audience)


def _hello(audience: Audience, id: str = "") -> Message:
    return message("hello", id, site_id=audience.site, show=sorted(audience.shows))


async def _place(hub: Hub, log: str, asked: dict[Where, Mark]) -> tuple[Position, str]:
    """Where a client goes on, and why something is missing, if it is."""
    if log != hub.log or asked.keys() != hub.position.keys():
        return hub.sent, "it is of another log"
    if not await _reached(hub, asked):
        return hub.sent, "the log ends before it"
    hub.flush()
    return asked, ""


async def _reached(hub: Hub, asked: Position) -> bool:
    """Whether everything up to a position has been read here, before long."""
    began = monotonic()
    while any(hub.position[where] < mark for where, mark in asked.items()):
        if monotonic() - began > AHEAD_S:
            return False
        await asyncio.sleep(EVERY_S)
    return True


async def _caught_up(hub: Hub, client: Client, audience: Audience, position: Position) -> bool:
    """Send a client what lies between a position and `hub.sent`, which moves; False if it is gone meanwhile."""
    while True:
        if not hub.ring.has(position):
            _tell_gap(client, "it has left the buffer")
            position = {where: max(mark, hub.ring.begin[where]) for where, mark in position.items()}
        until = hub.sent
        missed = _before(until, hub.ring.since(audience.site, position))
        part = list(islice(missed, AT_ONCE))
        if not part:
            return True
        while part:
            after = {**position, **{item.where: item.after for item in part}}
            for each in messages(hub.log, audience, part, position, after):
                client.put(each)
            position = after
            if not await client.room():
                return False
            part = list(islice(missed, AT_ONCE))
        position = until


def _before(until: Position, some: Iterator[Item]) -> Iterator[Item]:
    return (item for item in some if item.mark < until[item.where])


def _tell_gap(client: Client, why: str) -> None:
    meters.GAPS.inc()
    client.put(message("gap", reason=f"what came after the last id may be missing in part: {why}"))
