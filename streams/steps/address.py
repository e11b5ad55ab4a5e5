"""Whence: country, region, city and network, from the address; and the address cut to its network."""

from functools import lru_cache
from typing import NamedTuple

from pulse.event import RefinedEvent
from pulse.network.cut import network_of
from pulse.network.found import Found
from pulse.topics import DAY_MS
from streams.steps.step import Arrival

FOREVER = 1 << 62


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
