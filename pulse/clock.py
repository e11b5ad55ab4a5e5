"""Event time: a client's clock corrected by the collector's, and how late or early is still accepted."""

from dataclasses import dataclass
from datetime import UTC, datetime

SKEW_TOLERATED_MS = 5_000
"""Below this the difference of the clocks is taken for the network's delay, and the time stands."""


@dataclass(frozen=True)
class Bounds:
    """How far from the moment of receipt an event's time may lie, in ms."""

    late_ms: int = 7 * 86_400_000
    early_ms: int = 300_000


def to_ms(moment: int | float | datetime) -> int:
    """A moment of the contract in ms since the epoch; a time without a zone is UTC."""
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(aware.timestamp() * 1000 + 0.5)
    return int(moment)


def event_time(ts: int, sent_at: int | None, received_at: int, early_ms: int) -> tuple[int, str]:
    """The time an event counts for, and what was done to it: ``""``, ``"skewed"`` or ``"future"``.

    The client's clock is off by the difference of `sent_at` and `received_at`, which is taken from
    the event's time; what still lies more than `early_ms` ahead counts as received now. All in ms.
    """
    clock = ""
    if sent_at is not None and abs(received_at - sent_at) > SKEW_TOLERATED_MS:
        ts += received_at - sent_at
        clock = "skewed"
    if ts > received_at + early_ms:
        return received_at, "future"
    return max(ts, 0), clock


def is_too_old(ts: int, received_at: int, late_ms: int) -> bool:
    """Whether an event's time lies further back than is accepted."""
    return ts < received_at - late_ms
