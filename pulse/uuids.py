"""The ids of many events told at once: to match each with the contract's pattern costs as much as decoding its event."""

from collections.abc import Sequence

from pulse.event import Event

_DIGITS = b"0123456789abcdefABCDEF"
_TO_ZERO = bytes.maketrans(_DIGITS, b"0" * len(_DIGITS))
_SHAPE = b"00000000-0000-0000-0000-000000000000 "


def have_good_ids(events: Sequence[Event]) -> bool:
    """Whether each event has a UUID for its id, or none."""
    return are_uuids([event.event_id for event in events if event.event_id is not None])


def are_uuids(ids: Sequence[str]) -> bool:
    """Whether each fits the contract's pattern: with zeros for digits, and spaces between, all have one shape."""
    text = " ".join(ids)
    return text.isascii() and text.encode().translate(_TO_ZERO) == (_SHAPE * len(ids))[:-1]
