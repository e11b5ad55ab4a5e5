"""Rollup of one record of events: its partial minute aggregates, by partition of `pulse.metrics`.

A pure function of the record: partials are never folded over records, or they would depend on how batches were cut.
Refinement has the events in hand and rolls them up at once; after a restart the same is made of what is in the log.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable

from msgspec import json

from pulse.errors import PlaceError
from pulse.minute import Key, Partial, Seen, Sums, fold, partials
from pulse.place import Place, place_of
from pulse.topics import METRICS, partition_of
from streams.decode import UNDECODABLE
from streams.record import Made, Taken

log = logging.getLogger(__name__)

_seen = json.Decoder(Seen)
_encoder = json.Encoder()


def rollup(record: Taken, partitions: int) -> list[Made]:
    """A record for each of the `partitions` of the metrics that the record's sites belong to, under its own place.

    All partials of a site are in one partition. What others wrote into the topic, without a place, gives nothing:
    the sink stores nothing of it either.
    """
    try:
        place = place_of(list(record.headers))
    except PlaceError as error:
        log.warning("a record is passed over: %s", error, extra={"topic": record.topic, "offset": record.offset})
        return []
    return rolled_up(fold(_events(record.value)), place, record.timestamp, partitions)


def rolled_up(sums: dict[Key, Sums], place: Place, timestamp: int, partitions: int) -> list[Made]:
    """The same of the sums of a record that has a place."""
    targets: dict[int, list[Partial]] = defaultdict(list)
    for partial in partials(sums):
        targets[partition_of(partial.site_id, "", partitions)].append(partial)
    return [
        Made(METRICS, target, _encoder.encode_lines(some), place, timestamp) for target, some in sorted(targets.items())
    ]


def _events(value: bytes) -> list[Seen]:
    try:
        return _seen.decode_lines(value)
    except UNDECODABLE:
        return list(_one_by_one(value.split(b"\n")))


def _one_by_one(lines: Iterable[bytes]) -> Iterable[Seen]:
    for line in lines:
        try:
            yield _seen.decode(line)
        except UNDECODABLE:
            continue
