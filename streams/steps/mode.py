"""What a site keeps of its visitors: the rest goes before anything is made of it."""

from collections.abc import Mapping

from msgspec import DecodeError, Raw, json

from pulse.event import RefinedEvent
from pulse.mode import Properties, left, withhold
from streams.steps.step import Arrival, Step

_named = json.Decoder(dict[str, Raw])


def hide_by_mode(modes: Mapping[str, str]) -> Step:
    """By the modes of sites; those that are not named keep what they are sent. They may change meanwhile."""

    def hide(event: RefinedEvent, arrival: Arrival) -> None:
        if event.site_id in modes:
            _hide(event, modes[event.site_id])

    return hide


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
