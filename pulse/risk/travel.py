"""Whether somebody can have come from one country to another in a time: by the places of their clocks in the tz database."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from math import asin, cos, radians, sin, sqrt

KM_AN_HOUR = 1_000.0
LEAST_KM = 1_500.0
WIDE_KM = 1_000.0
"""A country may reach so much further towards another than the place of its clock that is nearest to it."""
EARTH_KM = 6_371.0
REMEMBERED = 65_536

Place = tuple[float, float]
_PLACE = re.compile(r"([+-])(\d\d)(\d\d)(?:\d\d)?([+-])(\d{3})(\d\d)(?:\d\d)?")


def too_far(country: str, other: str, minutes: float) -> bool:
    """Whether the way between two countries takes longer by any aeroplane; not where one of them is not known."""
    between = km_between(country, other)
    return between is not None and between >= LEAST_KM and between * 60 > KM_AN_HOUR * minutes


@lru_cache(maxsize=REMEMBERED)
def km_between(country: str, other: str) -> float | None:
    """The least that may lie between two countries; None where it is not known where one of them is."""
    here, there = _places().get(country), _places().get(other)
    if not here or not there:
        return None
    return max(min(_km(one, another) for one in here for another in there) - WIDE_KM, 0.0)


def _km(one: Place, other: Place) -> float:
    (north, east), (to_north, to_east) = one, other
    up, along = sin((to_north - north) / 2), sin((to_east - east) / 2)
    return 2 * EARTH_KM * asin(sqrt(up * up + cos(north) * cos(to_north) * along * along))


@cache
def _places() -> Mapping[str, tuple[Place, ...]]:
    found = defaultdict(list)
    for country, place in _lines():
        found[country].append(place)
    return {country: tuple(places) for country, places in found.items()}


def _lines() -> Iterator[tuple[str, Place]]:
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            country, where = line.split("\t")[:2]
            if found := _PLACE.fullmatch(where):
                yield country, (_angle(*found.group(1, 2, 3)), _angle(*found.group(4, 5, 6)))


def _angle(sign: str, degrees: str, minutes: str) -> float:
    """In radians."""
    size = radians(int(degrees) + int(minutes) / 60)
    return -size if sign == "-" else size
