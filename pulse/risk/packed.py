"""Where a device was seen of late, in few bytes: what `sightings` tells, its sessions, and the homes that it was in; and who was at a network.

Each thing seen is a word. Words stand in ascending order, so that equal states are equal bytes, whatever the order in which the
sightings came.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from xxhash import xxh64_intdigest

from pulse.risk.crowd import USUAL
from pulse.risk.sightings import DAY_MINUTES, MOST_ASNS, MOST_COUNTRIES, MOST_IPS
from pulse.risk.travel import too_far
from pulse.risk.words import EACH, HEAD, MINUTE, MINUTE_BITS, SORT_SHIFT, WHICH, holds, packed, unpacked, word

ADDRESS, SYSTEM, COUNTRY, SESSION, HOME, STAY, DEVICE = range(1, 8)
MOST = {ADDRESS: MOST_IPS, SYSTEM: MOST_ASNS, COUNTRY: MOST_COUNTRIES, SESSION: 11, HOME: 3, STAY: 2, DEVICE: 128}
"""Of too many the oldest are forgotten, of equally old ones the least. Published rules ask for more than ten sessions."""
LARGEST = HEAD + EACH * max(MOST[DEVICE], sum(MOST.values()) - MOST[DEVICE])
"""Bytes of the largest state."""
LENT = frozenset(("mobile", "relay", "gateway"))
SYSTEM_BITS = 16
SYSTEM_PART = (1 << SYSTEM_BITS) - 1
"""So much of a system's number tells homes apart: two that are alike in it are taken for one, and nobody has travelled."""
STAY_BITS = 12
STAY_PART = (1 << STAY_BITS) - 1
"""So much tells systems apart in which sessions were."""
KEY = (1 << 60) - 1
"""So much of a hash names a device, or a network: what Python keeps in two digits."""
FIRST_MINUTE = 26_297_280
"""That of 1 January 2020."""
HALF_HOUR = 30
"""When a device was at a network is told by the half hour, that what it does there seldom changes anything."""
KEPT_MINUTES = DAY_MINUTES + 60
"""A sighting is forgotten an hour after it ceases to count: whatever is that much late still finds what it would have found."""


class Seen(NamedTuple):
    """How many different ones within a day, whether the device was in two places too far apart for the time between, and whether
    its session before was in another system; and how many devices are at its network, as a multiple of what is usual, 0 where that is
    not known."""

    ips: int
    asns: int
    countries: int
    sessions: int
    travelled: bool | None
    moved: bool | None = None
    crowd: float = 0.0


class Sighting(NamedTuple):
    """One event of a device: which device, in which minute, and the words of what is seen of it, in ascending order.

    `alone` is the state of a device that was seen so and not otherwise, as most are, and `told` what counts of such a one. `place`
    is its network, 0 where no number of devices is usual, and `kind` what that is; `named` is the device as a word of it.
    """

    device: int
    minute: int
    words: tuple[int, ...]
    alone: bytes
    told: Seen
    place: int = 0
    named: int = 0
    kind: str = ""

    def at(self, minute: int) -> "Sighting":
        """The same in another minute."""
        words = tuple([one >> MINUTE_BITS << MINUTE_BITS | minute for one in self.words])
        named = self.named and self.named >> MINUTE_BITS << MINUTE_BITS | half_hour_of(minute)
        return Sighting(self.device, minute, words, packed(words), self.told, self.place, named, self.kind)


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
        session = xxh64_intdigest(session_id.encode())
        words.append(word(SESSION, session, minute))
    if asn and country and network == "eyeball" and is_place(country):
        words.append(word(HOME, home_of(country, asn), minute))
    if asn and session_id:
        words.append(word(STAY, session << STAY_BITS | asn & STAY_PART, minute))
    alone = packed(words)
    return Sighting(device, minute, tuple(words), alone, seen(alone, minute, words))


def at_place(one: Sighting, site_id: str, ip: str | None, fingerprint_id: str, network: str) -> Sighting:
    """The sighting with the network at which it is, and with the device by its fingerprint alone: who takes many names is one."""
    if not ip or network not in USUAL:
        return one
    named = word(DEVICE, xxh64_intdigest(fingerprint_id.encode()), half_hour_of(one.minute))
    return one._replace(told=one.told._replace(crowd=1.0), place=place_of(site_id, ip), named=named, kind=network)


def device_of(site_id: str, fingerprint_id: str, visitor_id: str) -> int:
    """What a visitor's device is called here: fingerprints of the same make are alike."""
    return xxh64_intdigest(f"{site_id}\0{fingerprint_id}\0{visitor_id}".encode()) & KEY


def place_of(site_id: str, ip: str) -> int:
    """What a network is called here, by its address as it is stored, for one site."""
    return xxh64_intdigest(f"{site_id}\0{ip}".encode()) & KEY


def minute_of(ms: int) -> int:
    """The minute of a moment, as it stands in a word."""
    minute = ms // 60_000 - FIRST_MINUTE
    return minute if 0 <= minute <= MINUTE else min(max(minute, 0), MINUTE)


def half_hour_of(minute: int) -> int:
    """The first minute of the half hour that a minute is in."""
    return minute - minute % HALF_HOUR


def is_place(country: str) -> bool:
    """Whether it can be a country's code: two of the letters A to Z."""
    return len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()


def home_of(country: str, asn: int) -> int:
    """A country, by the five low bits of each of its letters, and what tells systems apart."""
    return ((ord(country[0]) & 31) << 5 | ord(country[1]) & 31) << SYSTEM_BITS | asn & SYSTEM_PART


def added(state: bytes, words: Sequence[int], alone: bytes | None = None) -> bytes:
    """The state with some more sightings; the same object where they change nothing.

    `alone` is the state of these words only, where that is known: mostly it is what comes of it.
    """
    if state == alone:
        return state
    if alone is not None and _is_earlier(state, alone):
        return alone
    if holds(state, words):
        return state
    latest = {one >> MINUTE_BITS: one for one in unpacked(state)}
    for one in words:
        thing = one >> MINUTE_BITS
        if latest.get(thing, 0) < one:
            latest[thing] = one
    made = kept(latest.values())
    return state if made == state else made


def kept(words: Iterable[int]) -> bytes:
    """Words of different things as a state: without those that count no more, and of each sort the most that are kept."""
    those = sorted(words)
    newest = max([one & MINUTE for one in those], default=0)
    those = [one for one in those if one & MINUTE > newest - KEPT_MINUTES]
    if len({one >> SORT_SHIFT for one in those}) < len(those):
        those = _bounded(those)
    return packed(those)


def _is_earlier(state: bytes, alone: bytes) -> bool:
    """Whether a state is of nothing, or of the same few things as another one, each of them seen no later than there."""
    if len(state) != len(alone):
        return not state
    pairs = zip(array("Q", state), array("Q", alone), strict=True)
    return all(one <= other and one >> MINUTE_BITS == other >> MINUTE_BITS for one, other in pairs)


def seen(state: bytes, minute: int, here: Iterable[int] = (), crowd: float = 0.0) -> Seen:
    """What counts in a minute, and whether who is `here` by the words of a sighting can have come from elsewhere."""
    counts = [0] * 8
    since = minute - DAY_MINUTES
    homes, stays = [], []
    for one in unpacked(state):
        if one & MINUTE > since:
            sort = one >> SORT_SHIFT
            counts[sort] += 1
            if sort == HOME:
                homes.append(one)
            elif sort == STAY:
                stays.append(one)
    travelled = moved = None
    for one in here:
        sort = one >> SORT_SHIFT
        if sort == HOME:
            travelled = len(homes) > 1 and any(_is_travel(one, other) for other in homes)
        elif sort == STAY and len(stays) > 1:
            moved = _has_moved(one, stays)
    _, ips, asns, countries, sessions, *_ = counts
    return Seen(ips, asns, countries, sessions, travelled, moved, crowd)


def gathered(state: bytes, minute: int) -> int:
    """How many devices were at a network within the day before a minute, by its state: to the half hour."""
    since = minute - DAY_MINUTES
    return sum([one & MINUTE > since for one in unpacked(state)])


def _bounded(words: list[int]) -> list[int]:
    """Of each sort the latest, in ascending order."""
    found: list[int] = []
    for sort, most in MOST.items():
        those = words[bisect_left(words, sort << SORT_SHIFT) : bisect_left(words, sort + 1 << SORT_SHIFT)]
        if sort == STAY and len(those) > 1:
            those = _last_of_each_session(those)
        found += those if len(those) <= most else sorted(sorted(those, key=_age)[-most:])
    return found


def _last_of_each_session(stays: list[int]) -> list[int]:
    last: dict[int, int] = {}
    for one in stays:
        session = one >> MINUTE_BITS + STAY_BITS
        last[session] = max(one, last.get(session, 0), key=_age)
    return sorted(last.values())


def _age(one: int) -> tuple[int, int]:
    return one & MINUTE, one >> MINUTE_BITS


def _has_moved(one: int, stays: list[int]) -> bool | None:
    """Whether the session that was there last, of the others, was in another system; None where there was none."""
    session = one >> MINUTE_BITS + STAY_BITS
    others = [each for each in stays if each >> MINUTE_BITS + STAY_BITS != session]
    if not others:
        return None
    return (max(others, key=_age) >> MINUTE_BITS ^ one >> MINUTE_BITS) & STAY_PART != 0


def _is_travel(one: int, other: int) -> bool:
    """Whether two homes of different countries and systems are too far apart for the time between them."""
    (country, system), (elsewhere, another) = _home(one), _home(other)
    if country == elsewhere or system == another:
        return False
    return too_far(country, elsewhere, abs((one & MINUTE) - (other & MINUTE)))


def _home(one: int) -> tuple[str, int]:
    which = one >> MINUTE_BITS & WHICH
    letters = which >> SYSTEM_BITS
    return chr(letters >> 5 & 31 | 64) + chr(letters & 31 | 64), which & SYSTEM_PART
