"""What is sent to a path: how its bodies are read, and what the caller is told once their events are kept."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from api.collector import answer
from api.collector.decode import Decoded, decode
from api.collector.stamp import Entropy, Receipt
from pulse.event import MAX_REQUEST_BYTES
from pulse.rejection import Rejection

PATH = "/v1/events"

Kept = Callable[[int, Sequence[Rejection]], bytes]
"""The answer's body, told how many events are kept and which are refused. It holds none of the events."""


class Sent(NamedTuple):
    """A body that was read."""

    decoded: Decoded
    kept: Kept


class Form(NamedTuple):
    """How bodies are read (NDJSON if the second argument says so), their largest size, and the status of the answer."""

    read: Callable[[bytes, bool, Receipt, Entropy], Sent]
    most_bytes: int = MAX_REQUEST_BYTES
    status: int = 202


def _events(body: bytes, lines: bool, receipt: Receipt, entropy: Entropy) -> Sent:
    return Sent(decode(body, lines), answer.accepted)


EVENTS = Form(_events)
"""Events in the contract's own words."""
