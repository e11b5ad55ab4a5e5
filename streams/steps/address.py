"""Whence: country, region, city and network, from the address; and the address cut to its network."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Any

import maxminddb

from pulse.errors import SettingError
from pulse.event import RefinedEvent
from streams.steps.step import NOWHERE, Arrival, Step, Whence

REMEMBERED = 65_536
KEPT_BITS = {4: 24, 6: 48}
"""How much of an address is kept."""
MAPPED = bytes(10) + b"\xff\xff"
"""What an address of version 4 begins with when it is written as one of version 6."""


LookUp = Callable[[str], Whence]


def look_up(database: Path | None) -> LookUp:
    """A look-up of addresses in a database of MaxMind's format; without one nothing is known of any.

    Raises SettingError if the file is no such database.
    """
    try:
        reader = maxminddb.open_database(database) if database else None
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise SettingError(f"PULSE_GEO_DATABASE: {database} cannot be read: {error}") from None

    if reader is None:
        return lambda text: NOWHERE

    @lru_cache(maxsize=REMEMBERED)
    def whence(text: str) -> Whence:
        address = _address(text)
        found = reader.get(address) if address else None
        return told(found) if isinstance(found, dict) else NOWHERE

    return whence


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
    return inet_ntop(AF_INET6, packed[:6] + bytes(10))


def parsed_network_of(text: str) -> str | None:
    """The network of an address in any form that Python knows; None for what is none."""
    address = _address(text)
    if address is None:
        return None
    hidden = address.max_prefixlen - KEPT_BITS[address.version]
    return str(type(address)(int(address) >> hidden << hidden))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def told(found: dict[str, Any]) -> Whence:
    """What a database's record tells, be it nested (GeoLite2, DB-IP) or flat (IPinfo)."""
    divisions = found.get("subdivisions") or [None]
    number = found.get("autonomous_system_number") or str(found.get("asn") or "").upper().removeprefix("AS")
    return Whence(
        country=(_named(found.get("country"), "iso_code") or str(found.get("country_code") or ""))[:2].upper(),
        region=(_named(divisions[0]) or _named(found.get("region")))[:255],
        city=_named(found.get("city"))[:255],
        asn=int(number) if str(number).isdigit() else 0,
    )


def _named(part: Any, key: str = "") -> str:
    if isinstance(part, dict):
        return str(part.get(key) or "") if key else str((part.get("names") or {}).get("en") or "")
    return part if isinstance(part, str) and not key else ""


def put_country(whence: LookUp) -> Step:
    """Country, region, city and autonomous system of the address, where the client or a proxy named none."""

    def put(event: RefinedEvent, arrival: Arrival) -> None:
        found = whence(event.ip) if event.ip else NOWHERE
        event.asn = found.asn
        if not event.country:
            event.country = found.country or None
            if event.region is None:
                event.region = found.region or None
            if event.city is None:
                event.city = found.city or None
        else:
            event.country = event.country.upper()

    return put


def hide_address(event: RefinedEvent, arrival: Arrival) -> None:
    """The address is cut to its network, and a fingerprint goes where consent was denied."""
    if event.ip is not None:
        event.ip = network_of(event.ip)
    if event.consent == "denied":
        event.fingerprint_id = None
