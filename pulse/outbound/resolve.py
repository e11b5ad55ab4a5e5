"""From names to addresses, each of them checked."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from pulse.outbound.address import Address, Network, NoAddress
from pulse.outbound.target import demand

Resolver = Callable[[str], Awaitable[Sequence[Address]]]
"""The addresses of a name, IPv4 and IPv6; raises OSError where there are none."""


async def system(host: str) -> Sequence[Address]:
    """What this machine's resolver says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(at[0]).partition("%")[0]) for *_, at in found))


async def checked(host: str, allowed: Sequence[Network], resolver: Resolver = system) -> Sequence[Address]:
    """The addresses of a host, all of which may be called; raises Refused if one may not, NoAddress if there is none.

    A name of which one address is private is refused as a whole: it is not for luck to decide which is called.
    """
    try:
        addresses, is_named = [ip_address(host)], False
    except ValueError:
        addresses, is_named = list(await _asked(host, resolver)), True
    demand(addresses, allowed, is_named)
    return addresses


async def _asked(host: str, resolver: Resolver) -> Sequence[Address]:
    try:
        found = await resolver(host)
    except (OSError, UnicodeError) as error:
        raise NoAddress(f"{host} has no address: {error}") from None
    if not found:
        raise NoAddress(f"{host} has no address")
    return found
