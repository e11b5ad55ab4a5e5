"""What is sent to a path: how its bodies are read, and what the caller is told once their events are kept."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from api.collector import answer, media
from api.collector.decode import Decoded, decode
from api.collector.stamp import Entropy, Receipt
from api.control.leads import NewLead
from pulse.event import MAX_REQUEST_BYTES
from pulse.rejection import Rejection

PATH = "/v1/events"

Kept = Callable[[int, Sequence[Rejection]], bytes]
"""The answer's body, told how many events are kept and which are refused. It holds none of the events."""


class Sent(NamedTuple):
    """A body that was read; a lead is kept before the event that tells of it."""

    decoded: Decoded
    kept: Kept
    lead: NewLead | None = None


class Form(NamedTuple):
    """How bodies are read (NDJSON if the second argument says so), their largest size, the status of the answer,
    whether a content type says NDJSON (of a lead: that it is in parts), which raises Problem 415 for one that is not taken, and whether it has to wait
    while refinement lies behind.
    """

    read: Callable[[bytes, bool, Receipt, Entropy], Sent]
    most_bytes: int = MAX_REQUEST_BYTES
    status: int = 202
    is_lines: Callable[[bytes], bool] = media.is_lines
    waits: bool = True


def _events(body: bytes, lines: bool, receipt: Receipt, entropy: Entropy) -> Sent:
    return Sent(decode(body, lines), answer.accepted)


EVENTS = Form(_events)
"""Events in the contract's own words."""
