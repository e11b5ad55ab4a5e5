"""From a body to the lines of each partition: the whole of the collector's work on events, in one pure step."""

from dataclasses import replace
from typing import NamedTuple

from api.collector.answer import invalid
from api.collector.decode import decode
from api.collector.split import split
from api.collector.stamp import Entropy, Receipt, stamp
from pulse.clock import Bounds, to_ms
from pulse.event import MAX_MS, Moment
from pulse.rejection import Rejection


class Judged(NamedTuple):
    """The lines of the accepted events by partition, how many these are, and the refused ones."""

    shares: dict[int, list[bytes]]
    accepted: int
    refused: list[Rejection]


def judge(body: bytes, lines: bool, origin: Receipt, bounds: Bounds, entropy: Entropy, partitions: int) -> Judged:
    """Judge each event of a body (NDJSON if `lines`); raises Problem 400 or 413 for a body that cannot be judged.

    The events themselves end with this call: nothing but their lines waits for the log.
    """
    decoded = decode(body, lines)
    if decoded.sent_at is not None:
        origin = replace(origin, sent_at=_sent_at(decoded.sent_at))
    events, indexes, untimely = stamp(decoded.events, decoded.indexes, origin, bounds, entropy)
    shares, unfit = split(events, indexes, partitions)
    return Judged(shares, len(events) - len(unfit), [*decoded.refused, *untimely, *unfit])


def _sent_at(moment: Moment) -> int:
    sent_at = to_ms(moment)
    if not 0 <= sent_at <= MAX_MS:
        raise invalid("sent_at", "outside of 1970 to 2100")
    return sent_at
