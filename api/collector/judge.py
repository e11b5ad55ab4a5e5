"""From a body's events to the lines of each partition: the whole of the collector's work on them, in one pure step."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import structs

from api.collector.answer import invalid
from api.collector.decode import Decoded
from api.collector.flood import Floods
from api.collector.lane import Reason, Some, part
from api.collector.split import Shares, split
from api.collector.stamp import Entropy, Receipt, stamp
from pulse.clock import Bounds, to_ms
from pulse.event import MAX_MS, Moment
from pulse.rejection import Rejection


class Judged(NamedTuple):
    """The lines of the accepted events by partition, how many these are, and the refused ones.

    Those that yield stand apart, in `slow`; `yielding` says how many they are, by the reason.
    """

    shares: Shares
    accepted: int
    refused: list[Rejection]
    slow: Shares
    yielding: Mapping[Reason, int]


def judge(
    decoded: Decoded,
    origin: Receipt,
    bounds: Bounds,
    entropy: Entropy,
    partitions: int,
    floods: Floods,
    now: float,
) -> Judged:
    """Judge each event of a body; raises Problem 400 for a body whose `sent_at` is no time.

    `now` is of the clock of `floods`. Nothing but the events' lines waits for the log.
    """
    if decoded.sent_at is not None:
        origin = structs.replace(origin, sent_at=_sent_at(decoded.sent_at))
    events, indexes, untimely = stamp(decoded.events, decoded.indexes, origin, bounds, entropy)
    live, yielding = part(Some(events, indexes), origin, floods, now)
    shares, unfit = split(*live, partitions)
    slow, counts, more = _slow(yielding, partitions) if yielding else ({}, {}, [])
    refused = [*decoded.refused, *untimely, *unfit, *more]
    return Judged(shares, len(live.events) - len(unfit) + sum(counts.values()), refused, slow, counts)


def _slow(yielding: Mapping[Reason, Some], partitions: int) -> tuple[Shares, dict[Reason, int], list[Rejection]]:
    slow: Shares = {}
    counts: dict[Reason, int] = {}
    refused: list[Rejection] = []
    for reason, some in yielding.items():
        shares, unfit = split(*some, partitions)
        for partition, lines in shares.items():
            slow.setdefault(partition, []).extend(lines)
        counts[reason] = len(some.events) - len(unfit)
        refused += unfit
    return slow, counts, refused


def _sent_at(moment: Moment) -> int:
    sent_at = to_ms(moment)
    if not 0 <= sent_at <= MAX_MS:
        raise invalid("sent_at", "outside of 1970 to 2100")
    return sent_at
