"""Where a device was seen of late, in few bytes: what `sightings` tells, and its sessions and the homes that it was in.

Each thing seen is a word of 64 bits: what sort of thing, which, and the minute in which it was last seen. Words of a device stand
in ascending order, so that equal states are equal bytes, whatever the order in which the sightings came.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from xxhash import xxh64_intdigest

from pulse.risk.sightings import DAY_MINUTES, MOST_ASNS, MOST_COUNTRIES, MOST_IPS
from pulse.risk.travel import too_far

ADDRESS, SYSTEM, COUNTRY, SESSION, HOME = range(1, 6)
MOST = {ADDRESS: MOST_IPS, SYSTEM: MOST_ASNS, COUNTRY: MOST_COUNTRIES, SESSION: 16, HOME: 8}
"""Of too many the oldest are forgotten, of equally old ones the least."""
FEW = min(MOST.values())
WHICH_BITS, MINUTE_BITS = 35, 26
WHICH, MINUTE = (1 << WHICH_BITS) - 1, (1 << MINUTE_BITS) - 1
SORT_SHIFT = WHICH_BITS + MINUTE_BITS
LENT = frozenset(("mobile", "relay", "gateway"))
SYSTEM_BITS = 19
SYSTEM_PART = (1 << SYSTEM_BITS) - 1
"""So much of a system's number tells homes apart: two that are alike in it are taken for one, and nobody has travelled."""
FIRST_MINUTE = 26_297_280
"""That of 1 January 2020."""
KEPT_MINUTES = DAY_MINUTES + 60
"""A sighting is forgotten an hour after it ceases to count: whatever is that much late still finds what it would have found."""


class Seen(NamedTuple):
    """How many different ones within a day, and whether the device was in two places too far apart for the time between."""

    ips: int
    asns: int
    countries: int
    sessions: int
    travelled: bool | None


class Sighting(NamedTuple):
    """One event of a device: which device, in which minute, and the words of what is seen of it."""

    device: int
    minute: int
    words: tuple[int, ...]


def sighting(
    device: int,
    received_at: int,
    ip: str | None,
    asn: int,
    country: str | None,
    session_id: str | None,
    network: str,
) -> Sighting:
    """What an event tells of where its device is: of an address by its network, as it is stored; of a home by country and system.

    Addresses that are lent to whoever comes, as phones' are, tell nothing.
    """
    minute = minute_of(received_at)
    words = []
    if ip and network not in LENT:
        words.append(word(ADDRESS, xxh64_intdigest(ip.encode()), minute))
    if asn:
        words.append(word(SYSTEM, asn, minute))
    if country:
        words.append(word(COUNTRY, xxh64_intdigest(country.encode()), minute))
    if session_id:
        words.append(word(SESSION, xxh64_intdigest(session_id.encode()), minute))
    if asn and country and network == "eyeball" and len(country) == 2:
        words.append(word(HOME, home_of(country, asn), minute))
    return Sighting(device, minute, tuple(words))


def device_of(site_id: str, fingerprint_id: str, visitor_id: str) -> int:
    """What a visitor's device is called here: fingerprints of the same make are alike."""
    return xxh64_intdigest(f"{site_id}\0{fingerprint_id}\0{visitor_id}".encode())


def minute_of(ms: int) -> int:
    """The minute of a moment, as it stands in a word."""
    return min(max(ms // 60_000 - FIRST_MINUTE, 0), MINUTE)


def word(sort: int, which: int, minute: int) -> int:
    """A thing seen, as a word."""
    return sort << SORT_SHIFT | (which & WHICH) << MINUTE_BITS | minute


def home_of(country: str, asn: int) -> int:
    """A country, of which only two letters of ASCII are known, and what tells systems apart."""
    return int.from_bytes(country.encode("ascii", "replace"), "little") << SYSTEM_BITS | asn & SYSTEM_PART


def added(state: bytes, words: Iterable[int]) -> bytes:
    """The state with some more sightings; the same object where they change nothing."""
    held = array("Q", state)
    if all(one in held for one in words):
        return state
    latest = {one >> MINUTE_BITS: one for one in held}
    for one in words:
        thing = one >> MINUTE_BITS
        latest[thing] = max(one, latest.get(thing, 0))
    return kept(latest.values())


def kept(words: Iterable[int]) -> bytes:
    """Words of different things as a state: without those that count no more, and of each sort the most that are kept."""
    those = list(words)
    newest = max((one & MINUTE for one in those), default=0)
    those = sorted(one for one in those if one & MINUTE > newest - KEPT_MINUTES)
    if len(those) > FEW:
        those = list(_bounded(those))
    return array("Q", those).tobytes()


def seen(state: bytes, minute: int, here: Iterable[int] = ()) -> Seen:
    """What counts in a minute, and whether who is `here` by the words of a sighting can have come from elsewhere."""
    counts = [0] * 8
    since = minute - DAY_MINUTES
    homes = []
    for one in array("Q", state):
        if one & MINUTE > since:
            sort = one >> SORT_SHIFT
            counts[sort] += 1
            if sort == HOME:
                homes.append(one)
    travelled = None
    for one in here:
        if one >> SORT_SHIFT == HOME:
            travelled = any(_is_travel(one, other) for other in homes)
    return Seen(counts[ADDRESS], counts[SYSTEM], counts[COUNTRY], counts[SESSION], travelled)


def _bounded(words: list[int]) -> Iterator[int]:
    """Of each sort the latest, in ascending order."""
    for sort, most in MOST.items():
        those = [one for one in words if one >> SORT_SHIFT == sort]
        yield from sorted(sorted(those, key=_age)[-most:])


def _age(one: int) -> tuple[int, int]:
    return one & MINUTE, one >> MINUTE_BITS


def _is_travel(one: int, other: int) -> bool:
    """Whether two homes of different countries and systems are too far apart for the time between them."""
    (country, system), (elsewhere, another) = _home(one), _home(other)
    if country == elsewhere or system == another:
        return False
    return too_far(country, elsewhere, abs((one & MINUTE) - (other & MINUTE)))


def _home(one: int) -> tuple[str, int]:
    which = one >> MINUTE_BITS & WHICH
    return (which >> SYSTEM_BITS).to_bytes(2, "little").decode("ascii", "replace"), which & SYSTEM_PART
