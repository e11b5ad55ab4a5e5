"""Where a time zone is in use, and how far its clock is from a country's: by the tz database of the package tzdata."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

REMEMBERED = 20_000
HOUR = timedelta(hours=1)
UNIVERSAL = frozenset(("UTC", "GMT", "Etc/UTC", "Etc/GMT"))
"""Zones that are no place's; the database's further names of them count too."""


def countries_of(zone: str) -> frozenset[str]:
    """The countries whose clocks a zone tells, as ISO codes; empty for a zone that is no country's, or that is not known."""
    return _countries().get(_links().get(zone, zone), frozenset()) | _countries().get(zone, frozenset())


def is_universal(zone: str) -> bool:
    """Whether a zone is UTC itself, under any of its names."""
    return zone in UNIVERSAL or _links().get(zone) in UNIVERSAL


@lru_cache(maxsize=REMEMBERED)
def hours_apart(zone: str, country: str, day: int) -> float | None:
    """How far a zone's clock is from the nearest of a country's, in hours, at noon of a day (since the epoch, UTC).

    None where the zone or the country's zones are not known.
    """
    at = datetime.fromtimestamp(day * 86_400 + 43_200, UTC)
    here = _offset(zone, at)
    if here is None:
        return None
    there = [offset for name in zones_of(country) if (offset := _offset(name, at)) is not None]
    return min(abs(here - offset) for offset in there) / HOUR if there else None


@cache
def keeps_universal(country: str) -> bool:
    """Whether some clock of a country shows UTC for some part of the year."""
    return any(
        _offset(name, datetime(2026, month, 1, tzinfo=UTC)) == timedelta()
        for name in zones_of(country)
        for month in (1, 7)
    )


def zones_of(country: str) -> frozenset[str]:
    """The zones of a country; empty for one that is not known."""
    return _zones().get(country, frozenset())


@cache
def _countries() -> Mapping[str, frozenset[str]]:
    found = defaultdict(set)
    for countries, zone in (*_table("zone.tab"), *_table("zone1970.tab")):
        found[zone].update(countries.split(","))
    return {zone: frozenset(countries) for zone, countries in found.items()}


@cache
def _zones() -> Mapping[str, frozenset[str]]:
    found = defaultdict(set)
    for zone, countries in _countries().items():
        for country in countries:
            found[country].add(zone)
    return {country: frozenset(zones) for country, zones in found.items()}


@cache
def _links() -> Mapping[str, str]:
    """The zone that each further name stands for."""
    links = {name: zone for kind, zone, name in _lines("tzdata.zi", 3) if kind == "L"}
    return {name: links.get(zone, zone) for name, zone in links.items()}


def _table(name: str) -> Iterator[tuple[str, str]]:
    for line in _text(name).splitlines():
        if line and not line.startswith("#"):
            countries, _, zone = line.split("\t")[:3]
            yield countries, zone


def _lines(name: str, words: int) -> Iterator[list[str]]:
    return (found for line in _text(name).splitlines() if len(found := line.split()) == words)


def _text(name: str) -> str:
    return (files("tzdata") / "zoneinfo" / name).read_text(encoding="utf-8")


def _offset(zone: str, at: datetime) -> timedelta | None:
    clock = _clock(zone) if zone in _names() else None
    return clock.utcoffset(at.astimezone(clock)) if clock else None


@cache
def _names() -> frozenset[str]:
    """The zones there are: whatever else is called one is not looked for, which takes a hundred times as long."""
    return frozenset((*_countries(), *_links(), *_links().values(), *UNIVERSAL))


@cache
def _clock(zone: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
