"""Whence: country, region, city and network, from the address; and the address cut to its network."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import NamedTuple

from pulse.event import RefinedEvent
from pulse.network.finder import address_of
from pulse.network.found import Found
from pulse.topics import DAY_MS
from streams.steps.step import Arrival

KEPT_BITS = {4: 24, 6: 48}
"""How much of an address is kept."""
FOREVER = 1 << 62
KEPT_TUNNEL_BITS = 40
"""How much of one in 2002::/16 (6to4, RFC 3056): the 32 bits after the first 16 are an address of version 4."""
TUNNEL = b"\x20\x02"
MAPPED = bytes(10) + b"\xff\xff"
"""What an address of version 4 begins with when it is written as one of version 6."""


def network_of(text: str) -> str | None:
    """The network of an address; None for what is none. The system's own functions tell it of nearly all, and soon."""
    try:
        if ":" not in text:
            inet_pton(AF_INET, text)
            return text[: text.rindex(".")] + ".0"
        packed = inet_pton(AF_INET6, text)
    except (OSError, ValueError):
        return parsed_network_of(text)
    if packed.startswith(MAPPED):
        return inet_ntop(AF_INET, packed[12:15] + b"\0")
    if packed.startswith(TUNNEL):
        return inet_ntop(AF_INET6, packed[:5] + bytes(11))
    return inet_ntop(AF_INET6, packed[:6] + bytes(10))


def parsed_network_of(text: str) -> str | None:
    """The network of an address in any form that Python knows; None for what is none."""
    address = address_of(text)
    if address is None:
        return None
    hidden = hidden_bits(address)
    return str(type(address)(int(address) >> hidden << hidden))


def last_of(network: str) -> str:
    """The last address of what an address was cut to; the text itself for what is no address."""
    first = address_of(network)
    if first is None:
        return network
    return str(type(first)(int(first) | (1 << hidden_bits(first)) - 1))


def hidden_bits(address: IPv4Address | IPv6Address) -> int:
    """How many bits at the end of an address are not kept."""
    is_tunnel = address.version == 6 and address.packed.startswith(TUNNEL)
    return address.max_prefixlen - (KEPT_TUNNEL_BITS if is_tunnel else KEPT_BITS[address.version])


class Place(NamedTuple):
    """What is put into an event of its address."""

    country: str | None
    region: str | None
    city: str | None
    asn: int
    as_org: str
    as_entropy: float
    network: str
    network_source: str
    network_days: int


def place_of(found: Found, days: int, country: str | None, region: str | None, city: str | None) -> Place:
    """The network of an address, by data so many days old; and the place where the client or a proxy named no country."""
    if country:
        country = country.upper()
    else:
        country = found.country or None
        region = (found.region or None) if region is None else region
        city = (found.city or None) if city is None else city
    of_system = found.asn, found.as_org, found.as_entropy
    return Place(country, region, city, *of_system, found.network, found.source, days)


class Days(NamedTuple):
    """How old data are at receipt, from `since` on and before `until`, in ms since the epoch."""

    days: int
    since: int
    until: int


def days_of(made_ms: int, received_at: int) -> Days:
    """How many days old data are, and how long that stays so; 0 days where it is not known when they were made."""
    return _days(made_ms, (received_at - made_ms) // DAY_MS if 0 < made_ms < received_at else 0)


@lru_cache(maxsize=1_024)
def _days(made_ms: int, days: int) -> Days:
    until = made_ms + (days + 1) * DAY_MS if made_ms > 0 else FOREVER
    return Days(days, made_ms + days * DAY_MS if days else 0, until)


def hide_address(event: RefinedEvent, arrival: Arrival) -> None:
    """The address is cut to its network, and a fingerprint goes where consent was denied."""
    if event.ip is not None:
        event.ip = network_of(event.ip)
    if event.consent == "denied":
        event.fingerprint_id = None
