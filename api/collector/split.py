"""From stamped events to the lines of each partition."""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter

from msgspec import json

from api.collector.decode import Incoming
from pulse import nesting
from pulse.event import MAX_EVENT_BYTES, MAX_NESTING
from pulse.rejection import Reason, Rejection
from pulse.topics import partition_of

Shares = dict[int, list[bytes]]
"""Lines by partition."""

LINE_LEVELS = 1 + MAX_NESTING
"""Of an accepted event's fields only the properties are nested."""

_encode = json.Encoder().encode
_properties = attrgetter("properties")
_NESTED = frozenset({dict, list})
_TOO_DEEP = (Reason.invalid, f"nested more than {MAX_NESTING} levels deep", "properties")


def split(events: Sequence[Incoming], indexes: Sequence[int], partitions: int) -> tuple[Shares, list[Rejection]]:
    """The events as lines by partition, and those whose line is too large or too deeply nested.

    A visitor's events go to one partition, and so meet each other in order.
    """
    refused: list[Rejection] = []
    try:
        lines = list(map(_encode, events))
        is_fit = max(map(len, lines), default=0) <= MAX_EVENT_BYTES and (
            are_flat(events) or all(nesting.is_within(line, LINE_LEVELS) for line in lines)
        )
    except RecursionError:
        is_fit = False
    if not is_fit:
        events, lines, refused = _one_by_one(events, indexes)
    shares: Shares = {}
    for line, event in zip(lines, events, strict=True):
        own = event.visitor_id or event.user_id or event.session_id or event.event_id or ""
        partition = partition_of(event.site_id, own, partitions)
        if partition in shares:
            shares[partition].append(line)
        else:
            shares[partition] = [line]
    return shares, refused


def are_flat(events: Iterable[Incoming]) -> bool:
    """Whether no property is an object or array: true of nearly all, and told sooner of the values than of the lines."""
    named = filter(None, map(_properties, events))
    return _NESTED.isdisjoint(map(type, chain.from_iterable(map(dict.values, named))))


def _one_by_one(
    events: Sequence[Incoming], indexes: Sequence[int]
) -> tuple[list[Incoming], list[bytes], list[Rejection]]:
    kept, lines, refused = [], [], []
    for index, event in zip(indexes, events, strict=True):
        fault, line = _written(event)
        if fault is None:
            kept.append(event)
            lines.append(line)
        else:
            refused.append(Rejection(index, *fault, event.event_id))
    return kept, lines, refused


def _written(event: Incoming) -> tuple[tuple[Reason, str, str | None] | None, bytes]:
    try:
        line = _encode(event)
    except RecursionError:
        return _TOO_DEEP, b""
    if len(line) > MAX_EVENT_BYTES:
        detail = f"{len(line):,} bytes as a line of the log, of at most {MAX_EVENT_BYTES:,}"
        return (Reason.too_large, detail, None), b""
    if not nesting.is_within(line, LINE_LEVELS):
        return _TOO_DEEP, b""
    return None, line
