"""Where the devices of a partition were seen of late: a state of few bytes each, so many of them and no more.

Only events count that name a fingerprint with leave to, and that were not brought in from elsewhere: those were not received when they
happened. The state follows from the events of `pulse.events` alone, in whatever order they come, and so is read back from there.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct, json

from pulse.event import RefinedEvent
from pulse.risk.packed import KEPT_MINUTES, MINUTE, Seen, Sighting, added, device_of, kept, minute_of, seen, sighting
from pulse.undecoded import UNDECODABLE

KEPT_MS = KEPT_MINUTES * 60_000
NAMED = b'"fingerprint_id"'
MOST = 1_000_000


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
    """Devices in two generations: who is met again moves into the younger one, and the older one is forgotten as a whole.

    That is done where it counts no more, or where there are too many: `forgotten` says how many that were.
    """

    def __init__(self, most: Callable[[], int] = lambda: MOST) -> None:
        self.forgotten = 0
        self._most = most
        self._young: dict[int, bytes] = {}
        self._old: dict[int, bytes] = {}
        self._since = 0
        self._reached = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    @property
    def room(self) -> int:
        """How many devices may be known."""
        return 2 * self._half

    def see(self, sightings: Iterable[Sighting], at_ms: int | None = None) -> None:
        """Note these, in any order, of a record of a moment; once more changes nothing."""
        at = MINUTE if at_ms is None else minute_of(at_ms)
        for each in sightings:
            self._reached = max(self._reached, min(each.minute, at))
            if self._is_over():
                self._turn()
            self.put(each.device, added(self._state(each.device), each.words))

    def seen(self, sighting: Sighting) -> Seen:
        """What counts of a device at one of its sightings."""
        return seen(self._state(sighting.device), sighting.minute, sighting.words)

    def put(self, device: int, state: bytes) -> None:
        """A device's state."""
        self._old.pop(device, None)
        if device not in self._young and len(self._young) >= self._half:
            self._turn()
        self._young[device] = state

    def load(self, device: int, words: Iterable[int], minute: int) -> None:
        """Words of a device from before, last met in a minute; as many as may be, of different things. None is too old yet, however they come."""
        self._since = self._reached = max(self._reached, minute)
        state = self._state(device)
        self.put(device, added(state, words) if state else kept(words))

    def read(self, value: bytes, at_ms: int | None = None) -> None:
        """Note what the lines of a record of `pulse.events` of a moment tell."""
        if NAMED in value:
            self.see(sightings_in(value), at_ms)

    def _state(self, device: int) -> bytes:
        return self._young.get(device) or self._old.get(device, b"")

    @property
    def _half(self) -> int:
        return max(self._most() // 2, 1)

    def _is_over(self) -> bool:
        return self._reached - self._since >= KEPT_MINUTES

    def _turn(self) -> None:
        if not self._is_over():
            self.forgotten += len(self._old)
        self._old, self._young, self._since = self._young, {}, self._reached


def is_followed(event: RefinedEvent | _Line) -> bool:
    """Whether it counts where the device of an event is seen."""
    return event.consent == "granted" and not event.imported and bool(event.fingerprint_id)


def sighting_of(e: RefinedEvent | _Line) -> Sighting:
    """What a followed event tells of where its device is."""
    fingerprint_id = e.fingerprint_id or ""
    device = device_of(e.site_id, fingerprint_id, e.visitor_id or "")
    return sighting(device, e.received_at, e.ip, e.asn, e.country, e.session_id, e.network)


def sightings_in(value: bytes) -> list[Sighting]:
    """What the lines of a record tell; one that cannot be read tells nothing."""
    try:
        found = _line.decode_lines(value)
    except UNDECODABLE:
        found = [line for text in value.split(b"\n") if (line := _readable(text)) is not None]
    return [sighting_of(line) for line in found if is_followed(line)]


def _readable(text: bytes) -> _Line | None:
    try:
        return _line.decode(text)
    except UNDECODABLE:
        return None
