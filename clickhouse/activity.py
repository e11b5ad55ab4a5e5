"""The rows of `activity`, made anew where they are not those of the stored events.

The view that writes them sees what is stored, and not what is deleted or replaced. Whoever asks notices, since the events
of each day are counted in the same rows, and reads such days from the events. The counts are taken before the rows are
made: an event that is stored meanwhile is counted twice or not at all, never unseen, and its day is made anew another time.
"""

from datetime import date

from clickhouse.client import Client, text_of
from clickhouse.reports import activity
from clickhouse.reports.daybits import Day, date_of, day_of, next_quarter, quarter_of

SETTINGS: dict[str, object] = {
    "max_threads": 2,
    "insert_deduplicate": 0,
    "max_bytes_before_external_group_by": 500_000_000,
}
"""The store has others to answer, and what does not fit into memory goes to its disk."""


def mend(client: Client, site_id: str, now_ms: int) -> int:
    """Make anew the quarters of a site with a day, before yesterday, of whose events the rows are not; how many those are.

    Not on a cluster. Raises QueryError, Unavailable.
    """
    days = activity.unsure(client, site_id, day_of(now_ms) - 1)
    quarters = sorted({quarter_of(day) for day in days})
    for quarter in quarters:
        client.command(text_of("activity/delete"), {"site": site_id, "since": date_of(quarter)}, mutations_sync=2)
        _remake(client, quarter, site_id)
    return len(quarters)


def forget(client: Client, month: int) -> None:
    """Drop the rows of the quarter of a month (such as 202602), whose events are about to be others: until it is made anew these answer."""
    client.command(f"ALTER TABLE activity DROP PARTITION {date_of(_quarter(month)):%Y%m}")


def complete(client: Client, month: int) -> None:
    """Have the rows of the quarter of a month be those of its events, if they are not as many."""
    quarter = _quarter(month)
    [[stored, counted]] = client.query("activity/whole", _asked(quarter)).rows
    if stored != counted:
        forget(client, month)
        _remake(client, quarter)


def _remake(client: Client, quarter: Day, site_id: str = "") -> None:
    """Make the rows of a quarter, of which there are none, from its events; of one site alone if it is named."""
    asked = _asked(quarter) | {"site": site_id}
    counts = client.query("activity/counts", asked).rows
    client.command(text_of("activity/present"), asked, **SETTINGS)
    columns = dict(zip(("sites", "days", "counts"), map(list, zip(*counts, strict=True)), strict=False))
    if counts:
        client.command(text_of("activity/counted"), asked | columns, **SETTINGS)


def _asked(quarter: Day) -> dict[str, object]:
    return {"since": date_of(quarter), "until": date_of(next_quarter(quarter))}


def _quarter(month: int) -> Day:
    first = date(month // 100, month % 100, 1)
    return quarter_of((first - date_of(0)).days)
