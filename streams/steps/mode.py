"""What a site keeps of its visitors: the rest goes before anything is made of it."""

from collections.abc import Mapping, Sequence

from msgspec import DecodeError, Raw, json

from pulse.event import RefinedEvent
from pulse.mode import Properties, left, withhold
from pulse.rejection import Refused
from streams.steps.step import Arrival, Step

_named = json.Decoder(dict[str, Raw])


class HideByMode:
    """The step, by the modes of sites; those that are not named keep what they are sent. They may change meanwhile."""

    def __init__(self, modes: Mapping[str, str]) -> None:
        self.__qualname__ = "hide_by_mode"
        self._modes = modes

    def __call__(self, event: RefinedEvent, arrival: Arrival) -> None:
        """Take away what the event's site does not keep."""
        if event.site_id in self._modes:
            _hide(event, self._modes[event.site_id])

    def many(self, events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
        """The same of many, of sites most of which have no mode."""
        for event in events if self._modes else ():
            self(event, arrival)
        return True

    def line(self, line: bytes, event: RefinedEvent) -> bytes:
        """What may be kept of the line of an event that is refused, wherever that was."""
        if event.site_id not in self._modes:
            return line
        try:
            if withhold(event, self._modes[event.site_id]) is not Properties.all:
                event.properties = None  # type: ignore[assignment]
            return json.encode(event)
        except Exception:
            return b""

    def unread(self, refusals: list[Refused]) -> list[Refused]:
        """Lines that cannot be read: of a site with a mode it cannot be told what of them may be kept, and nothing is."""
        for each in refusals:
            if each.site_id in self._modes:
                each.line = ""
        return refusals


def hiding(steps: Sequence[Step]) -> HideByMode:
    """That step among others."""
    return next((step for step in steps if isinstance(step, HideByMode)), _NOTHING)


def _hide(event: RefinedEvent, mode: str) -> None:
    may = withhold(event, mode)
    if may is Properties.all or event.properties is None:
        return
    given = left(event, may, _read(event.properties))  # type: ignore[arg-type]
    event.properties = json.encode({name: Raw(value) for name, value in given.items()}).decode() if given else None  # type: ignore[assignment]


def _read(text: str) -> dict[str, object]:
    """Properties by their names; what cannot be read is not kept."""
    try:
        return {name: bytes(value) for name, value in _named.decode(text).items()}
    except DecodeError:
        return {}


_NOTHING = HideByMode({})
