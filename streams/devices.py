"""Where the devices of a partition were seen of late, and how many are at a network: states of few bytes, so many and no more.

Only events count that name a fingerprint with leave to, and that were not brought in from elsewhere: those were not received when they
happened. The state follows from the events of `pulse.events` alone, in whatever order they come, and so is read back from there.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct, json

from pulse.event import RefinedEvent
from pulse.risk.crowd import told
from pulse.risk.packed import KEPT_MINUTES, Seen, Sighting, at_place, device_of, gathered, minute_of, seen, sighting
from pulse.risk.words import MINUTE, number_of
from pulse.undecoded import UNDECODABLE
from streams.generations import Generations
from streams.memo import Memo

KEPT_MS = KEPT_MINUTES * 60_000
NAMED = b'"fingerprint_id"'
MOST_BYTES = 256_000_000
LATEST = 16_384
"""Devices whose latest sightings are remembered, some 600 bytes each: what they do next is mostly the same in another moment."""
NEVER = Sighting(0, -1, (), b"", Seen(0, 0, 0, 0, None))


class _Line(Struct, gc=False):
    site_id: str = ""
    visitor_id: str | None = None
    received_at: int = 0
    fingerprint_id: str | None = None
    consent: str | None = None
    imported: bool = False
    ip: str | None = None
    asn: int = 0
    country: str | None = None
    session_id: str | None = None
    network: str = ""


_line = json.Decoder(_Line)


class Devices:
    """Devices, and the networks at which more of them may be than is usual, in so many bytes; the log has some partitions.

    A quarter of the bytes is for the networks.
    """

    def __init__(
        self, most_bytes: Callable[[], int] = lambda: MOST_BYTES, partitions: Callable[[], int] = lambda: 1
    ) -> None:
        self.known = Generations(lambda: most_bytes() * 3 // 4)
        self.places = Generations(lambda: most_bytes() // 4)
        self._partitions = partitions
        self._latest: Memo[int, Sighting] = Memo(lambda key: NEVER, LATEST // 2)

    def __len__(self) -> int:
        return len(self.known)

    def sighting(self, e: RefinedEvent, asn: int, network: str) -> Sighting:
        """What a followed event tells, which came from a system and a kind of network; see `sighting_of`."""
        # by its hash, as devices are told apart as well: the texts themselves would take twice the memory
        key = hash((e.site_id, e.fingerprint_id, e.visitor_id, e.session_id, e.ip, asn, e.country, network))
        minute, found = minute_of(e.received_at), self._latest[key]
        if found.minute != minute:
            found = sighting_of(e, asn, network) if found is NEVER else found.at(minute)
            self._latest[key] = found
        return found

    def see(self, sightings: Iterable[Sighting], at_ms: int | None = None) -> None:
        """Note these, in any order, of a record of a moment; once more changes nothing."""
        at = MINUTE if at_ms is None else minute_of(at_ms)
        for each in sightings:
            minute = min(each.minute, at)
            self.known.add(each.device, each.words, minute, each.alone)
            if each.place:
                self.places.add(each.place, (each.named,), minute)

    def seen(self, sighting: Sighting) -> Seen:
        """What counts of a device at one of its sightings."""
        state, crowd = self.known.get(sighting.device), self._crowd(sighting)
        if state == sighting.alone and crowd == sighting.told.crowd:
            return sighting.told
        return seen(state, sighting.minute, sighting.words, crowd)

    def _crowd(self, sighting: Sighting) -> float:
        if not sighting.place:
            return 0.0
        state, partitions = self.places.get(sighting.place), self._partitions()
        multiple = told(number_of(state), partitions, sighting.kind)
        if multiple > 1:
            multiple = told(gathered(state, sighting.minute), partitions, sighting.kind)
        return multiple

    def read(self, value: bytes, at_ms: int | None = None) -> None:
        """Note what the lines of a record of `pulse.events` of a moment tell."""
        if NAMED in value:
            self.see(sightings_in(value), at_ms)


def is_followed(event: RefinedEvent | _Line) -> bool:
    """Whether it counts where the device of an event is seen."""
    return event.consent == "granted" and not event.imported and bool(event.fingerprint_id)


def sighting_of(e: RefinedEvent | _Line, asn: int, network: str) -> Sighting:
    """What a followed event tells of where its device is, which came from a system and a kind of network."""
    fingerprint_id = e.fingerprint_id or ""
    device = device_of(e.site_id, fingerprint_id, e.visitor_id or "")
    found = sighting(device, e.received_at, e.ip, asn, e.country, e.session_id, network)
    return at_place(found, e.site_id, e.ip, fingerprint_id, network)


def sightings_in(value: bytes) -> list[Sighting]:
    """What the lines of a record tell; one that cannot be read tells nothing."""
    try:
        found = _line.decode_lines(value)
    except UNDECODABLE:
        found = [line for text in value.split(b"\n") if (line := _readable(text)) is not None]
    return [sighting_of(line, line.asn, line.network) for line in found if is_followed(line)]


def _readable(text: bytes) -> _Line | None:
    try:
        return _line.decode(text)
    except UNDECODABLE:
        return None
