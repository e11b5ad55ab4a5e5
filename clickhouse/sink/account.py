"""What the ledger has to say of records of events: what refinement wrote in their headers, and what the store refused."""

from collections import defaultdict
from collections.abc import Sequence

from msgspec import json

from clickhouse.client import Client
from clickhouse.sink.events import EVENTS
from clickhouse.sink.kind import source
from clickhouse.sink.lines import Parsed
from clickhouse.sink.record import Record
from clickhouse.sink.refused import REJECTED
from clickhouse.sink.stored import Stored
from pulse.clock import to_ms
from pulse.ledger import Entry
from pulse.minute import minute_of

UNREAD = EVENTS.table
"""The stage of lines that are no rows; one that ends in a month is that of rows which ClickHouse refused."""

_encoder = json.Encoder()
Entries = dict[int, list[Entry]]
"""By a record's number."""


def accounts(client: Client, records: Sequence[Record], counted: Parsed, stored: Stored) -> list[Record]:
    """A record of entries for each record of events that has any, under its place; raises as Client.query does.

    `counted` holds the rows of the records that say nothing of their ledger: those were received as they are.
    What the store refused of a record is in `events_rejected` by now.
    """
    more = defaultdict(list, _own(records, counted))
    for number, entries in _unstorable(client, records, stored).items():
        more[number] += entries
    made = []
    for number, record in enumerate(records):
        value = (record.ledger or b"") + b"".join(_encoder.encode(entry) + b"\n" for entry in more.get(number, ()))
        if value:
            made.append(record._replace(value=value, fault=""))
    return made


def _own(records: Sequence[Record], counted: Parsed) -> Entries:
    found: Entries = defaultdict(list)
    rows = counted.rows.select(["site_id", "received_at"]).to_pydict()
    for number, site_id, received_at in zip(counted.origin, rows["site_id"], rows["received_at"], strict=True):
        found[int(number)].append(Entry(site_id=site_id, minute=minute_of(received_at or 0), received=1, kept=1))
    return found


def _unstorable(client: Client, records: Sequence[Record], stored: Stored) -> Entries:
    last = _last_refused(stored)
    concerned: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    for number, record in enumerate(records):
        if record.place.number <= last.get(source(record), -1):
            concerned[record.place.log, record.place.partition][record.place.number] = number
    found: Entries = defaultdict(list)
    for (log, partition), numbers in concerned.items():
        asked = {"log": log, "partition": partition, "first": min(numbers), "last": max(numbers)}
        for place, stage, site_id, received_at, lines in client.query("stored/unstorable", asked).rows:
            if place in numbers:
                number = numbers[place]
                own = lines if records[number].ledger is None and stage == UNREAD else 0
                minute = minute_of(to_ms(received_at))
                found[number].append(Entry(site_id=site_id, minute=minute, received=own, kept=own, unstorable=lines))
    return found


def _last_refused(stored: Stored) -> dict[str, int]:
    """For each partition of each raw log the last place of which the store refused something of the events."""
    last: dict[str, int] = {}
    for (table, _, mark), place in stored.items():
        stage, _, of = mark.partition(":")
        if table == REJECTED.table and stage.partition("-")[0] == UNREAD:
            last[of] = max(last.get(of, -1), place)
    return last
