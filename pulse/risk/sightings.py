"""Where a device was seen of late: exact counts of few things, the same in whatever order the sightings come."""

from ipaddress import IPv6Address, ip_address
from typing import TypeVar

from msgspec import Struct
from xxhash import xxh32_intdigest

DAY_MINUTES = 1440
MOST_IPS = 32
MOST_ASNS = 16
MOST_COUNTRIES = 8

Key = TypeVar("Key", int, str)


class Sightings(Struct, gc=False):
    """When each address (as a hash), autonomous system and country was last seen, in minutes since the epoch.

    Of too many the oldest are forgotten, so a count is exact up to the most that are kept, and at least so many beyond.
    """

    ips: dict[int, int] = {}
    asns: dict[int, int] = {}
    countries: dict[str, int] = {}


class Counts(Struct, frozen=True):
    """How many different ones there are."""

    ips: int
    asns: int
    countries: int


def seen(before: Sightings, minute: int, address: int, asn: int | None = None, country: str = "") -> Sightings:
    """The sightings with one more; `address` is that of `address_key`."""
    return Sightings(
        _with(before.ips, address, minute, MOST_IPS),
        before.asns if asn is None else _with(before.asns, asn, minute, MOST_ASNS),
        _with(before.countries, country, minute, MOST_COUNTRIES) if country else before.countries,
    )


def counts(sightings: Sightings, now_minute: int, minutes: int = DAY_MINUTES) -> Counts:
    """How many different ones were seen within the last `minutes`."""
    since = now_minute - minutes
    return Counts(*(sum(at > since for at in each.values()) for each in _all(sightings)))


def address_key(text: str, salt: int) -> int:
    """A salted hash of an address: of the whole of version 4, of the first 64 bits of version 6; raises ValueError."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return xxh32_intdigest(mapped.packed if mapped else address.packed[:8], salt)
    return xxh32_intdigest(address.packed, salt)


def _all(sightings: Sightings) -> tuple[dict[int, int], dict[int, int], dict[str, int]]:
    return sightings.ips, sightings.asns, sightings.countries


def _with(before: dict[Key, int], key: Key, minute: int, most: int) -> dict[Key, int]:
    """The last moments with one more, without the oldest if there are too many; of equal age the least key goes."""
    after = {**before, key: max(minute, before.get(key, minute))}
    if len(after) > most:
        oldest = min((at, which) for which, at in after.items())
        del after[oldest[1]]
    return after
