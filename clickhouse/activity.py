"""The rows of `activity`, made anew where they are not those of the stored events.

The view that writes them sees what is stored, and not what is deleted or replaced. Whoever asks notices, since the events
of each day are counted in the same rows, and reads such days from the events. The counts are taken before the rows are
made: an event that is stored meanwhile is counted twice or not at all, never unseen, and its day is made anew another time.

While rows are made anew no day of their quarter is trusted: to each day's count a number is added that nobody else knows, and taken
away at last. So what dies on the way, or is overtaken by another that does the same, leaves days that are read from the events.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from uuid import uuid4

import pyarrow as pa

from clickhouse.client import Client, text_of
from clickhouse.reports import activity
from clickhouse.reports.daybits import Day, date_of, day_of, next_quarter, quarter_of
from clickhouse.sink import stored

SETTINGS: dict[str, object] = {
    "max_threads": 2,
    "insert_deduplicate": 0,
    "max_bytes_before_external_group_by": 500_000_000,
}
"""The store has others to answer, and what does not fit into memory goes to its disk."""
ARROW = {"output_format_arrow_string_as_string": 1, "output_format_arrow_low_cardinality_as_dictionary": 0}
LONGEST_S = 600


def mend(client: Client, site_id: str, now_ms: int, before_each: Callable[[], None] = lambda: None) -> int:
    """Make anew the quarters of a site with a day, before yesterday, of whose events the rows are not; how many those are.

    Calls `before_each` of them. Not on a cluster. Raises QueryError, Unavailable.
    """
    until = day_of(now_ms) - 1
    quarters = sorted({quarter_of(day) for day in activity.differing(client, site_id, 0, until)})
    for quarter in quarters:
        before_each()
        _mend(client, site_id, quarter, min(until, next_quarter(quarter)))
    return len(quarters)


def forget(client: Client, month: int) -> None:
    """Drop the rows of the quarter of a month (such as 202602), whose events are about to be others: until it is made anew these answer."""
    _forget(client, _quarter(month))


def complete(client: Client, months: Iterable[int]) -> None:
    """Have the rows of the quarters of months be those of their events, whatever they are now."""
    for quarter in sorted({_quarter(month) for month in months}):
        stored.await_running(client, _queries_of(client), LONGEST_S)
        _forget(client, quarter)
        _make(client, _asked(quarter))


def _mend(client: Client, site_id: str, quarter: Day, until: Day) -> None:
    """Make anew the rows of a quarter; counts of days from `until` on, which the view still adds to, stay as they are."""
    number = uuid4().int >> 80
    asked = _asked(quarter) | {"site": site_id, "until": date_of(until), "mark": f"{number:x}"}
    client.command(text_of("activity/doubt"), asked | {"doubt": number}, **SETTINGS)
    client.command(text_of("activity/delete"), asked, mutations_sync=2)
    # of an insert that runs, the rows may have been deleted before its events are there
    stored.await_running(client, stored.queries_of(client), LONGEST_S)
    _make(client, asked)
    client.command(text_of("activity/doubt"), asked | {"doubt": -number}, **SETTINGS)


def _make(client: Client, asked: Mapping[str, object]) -> None:
    """Make the rows of a quarter, of which there are none, from its events."""
    counts = list(client.tables("activity/counts", asked, **ARROW))
    client.command(text_of("activity/present"), asked, **SETTINGS, query_id=_queries_of(client) + uuid4().hex)
    if counts:
        client.insert(activity.TABLE, pa.concat_tables(counts))


def _forget(client: Client, quarter: Day) -> None:
    client.command(f"ALTER TABLE activity DROP PARTITION {date_of(quarter):%Y%m}")


def _queries_of(client: Client) -> str:
    """What the query ids of the statements begin with that read events for rows: these may be others by the time they end."""
    return f"pulse-activity-{client.database}-"


def _asked(quarter: Day) -> dict[str, object]:
    end = date_of(next_quarter(quarter))
    return {"site": "", "since": date_of(quarter), "until": end, "end": end}


def _quarter(month: int) -> Day:
    first = date(month // 100, month % 100, 1)
    return quarter_of((first - date_of(0)).days)
