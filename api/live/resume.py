"""A client that was cut off is sent what it has missed, as fast as it takes it, and then joins the others."""

import asyncio
from time import monotonic

from api.live import meters
from api.live.client import Audience, Client
from api.live.hub import Hub
from api.live.message import Message, gap, message
from api.live.missed import Missed
from api.live.parting import messages
from api.live.position import Position, position_of
from api.live.record import FIRST

AHEAD_S = 5.0
"""For so long a process that lies behind the one that gave the id may take to reach it."""
EVERY_S = 0.02


async def begin(hub: Hub, client: Client, audience: Audience, last_id: str) -> None:
    """Send a client what comes after an id, then what is new; without an id what is new alone. Raises BadId."""
    asked = position_of(last_id) if last_id else None
    if asked is None:
        client.put(_hello(audience, hub.current_id()))
    elif not await _resumed(hub, client, audience, *asked):
        return
    hub.join(client, audience)


async def _resumed(hub: Hub, client: Client, audience: Audience, log: str, asked: Position) -> bool:
    """Send a client what comes after a position; False if it is gone meanwhile."""
    client.catch_up(True)
    position, missing = await _place(hub, log, asked)
    if not await client.room():
        return False
    told = [_hello(audience), *([_gap(missing)] if missing else [])]
    for each in told:
        client.put(each)
    if not missing:
        meters.RESUMED.inc()
    if not await _caught_up(hub, client, audience, position, sum(len(each.json) for each in told)):
        return False
    client.catch_up(False)
    return True


def _hello(audience: Audience, id: str = "") -> Message:
    return message("hello", id, site_id=audience.site, show=sorted(audience.shows))


async def _place(hub: Hub, log: str, asked: Position) -> tuple[Position, str]:
    """Where a client goes on, and why something is missing, if it is."""
    if log != hub.log:
        return hub.sent, "it is of another log"
    if not await _reached(hub, asked):
        return hub.sent, "the log ends before it"
    hub.flush()
    whole = {**dict.fromkeys(hub.position, FIRST), **asked}  # a partition that was added since is new as a whole
    return whole, ""


async def _reached(hub: Hub, asked: Position) -> bool:
    """Whether everything up to a position has been read here, before long."""
    began = monotonic()
    while any(hub.position.get(where, FIRST) < mark for where, mark in asked.items()):
        if monotonic() - began > AHEAD_S:
            return False
        await asyncio.sleep(EVERY_S)
    return True


async def _caught_up(hub: Hub, client: Client, audience: Audience, position: Position, size: int) -> bool:
    """Send a client what lies between a position and `hub.sent`, which moves; False if it is gone meanwhile.

    `size` is what it has been sent already. What comes last is taken too, so that it joins with nothing before it.
    """
    missed = Missed(hub, audience.site, position)
    while size:
        with hub.backlog.holding(size):
            await asyncio.sleep(0)  # who takes all at once does not keep the others waiting
            if not await client.room():
                return False
        size = _sent(hub, client, audience, missed)
    return True


def _sent(hub: Hub, client: Client, audience: Audience, missed: Missed) -> int:
    """Send a client its next part; how many bytes that are, 0 where it has all."""
    why, before = missed.why(), missed.position
    told = [_gap(why)] if why else []
    part = missed.part(hub.backlog.share())
    told += messages(hub.log, audience, part, before, missed.position)
    for each in told:
        client.put(each)
    return sum(len(each.json) for each in told) or len(part)


def _gap(why: str) -> Message:
    meters.GAPS.inc()
    return gap(why)
