"""How far the sink has stored what refinement wrote."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from clickhouse.client import Client
from clickhouse.sink import stored
from pulse.errors import QueryError, Unavailable
from pulse.topics import EVENTS
from streams.broker import Broker

SINK = "pulse-sink"
"""The sink's group: what it has committed is stored in all months, or kept among the refused."""


class Standing(NamedTuple):
    """The offset of `pulse.events` before which the sink says that all is stored, and of each log the latest place that is."""

    offset: int
    places: dict[str, int]


Stored = dict[tuple[str, int], int]
"""Places by log and partition."""


def ask(broker: Broker, client: Client, logs: Collection[str], partitions: Iterable[int]) -> dict[int, Standing]:
    """How far each partition is stored; raises Unavailable.

    The sink's word comes first: what it has committed must then be in the store.
    """
    offsets = broker.starts(SINK, [(EVENTS, partition) for partition in partitions])
    places = stored_places(client, logs)
    return {
        partition: Standing(offset, {log: places.get((log, partition), -1) for log in logs})
        for (_, partition), offset in offsets.items()
    }


def stored_places(client: Client, logs: Collection[str]) -> Stored:
    """The latest place of each partition of some logs that is stored; raises Unavailable."""
    try:
        found = stored.read_table(client, "events")
    except QueryError as error:
        raise Unavailable(f"ClickHouse does not say what it holds: {error}") from None
    places: Stored = {}
    for (_, _, mark), place in found.items():
        log, _, partition = mark.rpartition(":")
        if log in logs:
            where = log, int(partition)
            places[where] = max(place, places.get(where, -1))
    return places
