"""What views write of events, written once more: an insert that is cut short may have stored the events and nothing else.

Its records come again, since they were not committed; so only of events that come again, and are there, is this needed. Rows
of views are told by their keys, or merge into the earliest: what is written twice is there once.
"""

from collections.abc import Iterable, Sequence
from logging import getLogger

from clickhouse.client import Client, text_of
from clickhouse.funnels import build, entry
from clickhouse.sink.record import Record
from pulse.errors import QueryError

THESE = (
    " AND _log = {log:String} AND _partition = {partition:UInt16} AND _place BETWEEN {first:UInt64} AND {last:UInt64}"
)

log = getLogger(__name__)


def write(client: Client, records: Sequence[Record]) -> None:
    """Write what views make of the stored events of these records; raises Unavailable, QueryError."""
    for given in _ranges(records):
        client.command(text_of("people/again"), given)
        client.command(text_of("devices/again"), given)
        _write_funnels(client, given)


def _write_funnels(client: Client, given: dict[str, object]) -> None:
    entries = [each.entry for each in build.every(client)]
    if not entries:
        return
    text, bound = entry.statement(entries, THESE)
    try:
        client.command(f"INSERT INTO funnel_steps\n{text}", {**bound, **given}, **build.SETTINGS)
    except QueryError as error:
        log.warning("the rows of saved funnels are made anew: %s", error)
        build.distrust(client)


def _ranges(records: Iterable[Record]) -> Iterable[dict[str, object]]:
    """From the first to the last of each partition of the raw log."""
    places: dict[tuple[str, int], list[int]] = {}
    for each in records:
        places.setdefault((each.place.log, each.place.partition), []).append(each.place.number)
    for (name, partition), numbers in places.items():
        yield {"log": name, "partition": partition, "first": min(numbers), "last": max(numbers)}
