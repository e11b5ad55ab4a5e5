"""What rows of activity and snapshots gain for retention, and what the former cost the sink: `python -m bench.snapshot [MILLIONS]`.

In a ClickHouse of the bench's own: retention by the last 13 weeks of a site with so many million events over 26 weeks and
200,000 visitors, one of ten of whom is known: from the events (by a filter that lets all pass), from `activity`, and from the
snapshot with the look whether it still holds; what making it takes; the same of who did one thing and came back for anything,
of days, and of local time; of everybody as people once somebody was identified. At last an insert of 50,000 events with the view and without.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.saved import Took, timed
from bench.sink import refined, store
from clickhouse import people
from clickhouse.client import Client, text_of
from clickhouse.reports.filter import Condition
from clickhouse.reports.grid import Grid
from clickhouse.reports.happening import Happening
from clickhouse.reports.retention import RetentionQuery, answer
from clickhouse.reports.retention_snapshot import UNITS, WEEKS, answer_with, take
from clickhouse.reports.scope import Scope
from clickhouse.sink.events import EVENTS
from clickhouse.sink.lines import parse
from deploy.local.process import Running

EVENTS_SQL = Path(__file__).parent / "queries" / "retention_events.sql"
IDENTIFIED_SQL = Path(__file__).parent / "queries" / "retention_identified.sql"
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
END = 1_772_409_600_000
SPAN_WEEKS = 26
VISITORS = 200_000
BEGINS = tuple(END - WEEK_MS * n for n in range(WEEKS, -1, -1))
EVERY = Condition("visitor_id", "is_set")
ROWS = 50_000
FEW = 3


def asked(begins: Sequence[int] = BEGINS, **more: object) -> RetentionQuery:
    """Retention by periods."""
    grid = Grid(tuple(begins))
    columns = tuple((n, n) for n in range(grid.periods))
    return replace(RetentionQuery(Scope("big", begins[0], begins[-1]), grid, columns), **more)  # type: ignore[arg-type]


def fill(client: Client, millions: int) -> None:
    """Store the events."""
    for _ in range(millions):
        client.command(text_of(EVENTS_SQL), {"end": END, "span": SPAN_WEEKS * WEEK_MS, "visitors": VISITORS})
    for table in ("events", "activity"):
        client.command(f"OPTIMIZE TABLE {table} FINAL")


def live(client: Client, server: Running, what: str, question: RetentionQuery) -> Took:
    """Print what rows of activity bring; what these take."""
    raw = replace(question, scope=replace(question.scope, filter=EVERY))
    found, right = answer(client, question, END), answer(client, raw, END)
    assert (found.groups, found.source, right.source) == (right.groups, "activity", "events")
    events = timed(server, partial(answer, client, raw, END), FEW)
    kept = timed(server, partial(answer, client, question, END))
    print(
        f"  {what:<24} events {events.wall:6.0f} ms ({events.cpu:.0f} of CPU)   activity {kept.wall:6.1f} ms"
        f" ({kept.cpu:.0f} of CPU, {found.rows_read:,} rows)   {events.wall / kept.wall:.0f} times"
    )
    return kept


def snapshots(client: Client, server: Running, question: RetentionQuery, then: Took) -> None:
    """Print what a snapshot brings."""
    making = timed(server, partial(take, client, "big", question.unit, BEGINS, END), FEW)
    snapshot = take(client, "big", question.unit, BEGINS, END)
    found = answer_with(client, question, snapshot, "", END)
    assert found.groups == answer(client, question, END).groups
    kept = timed(server, partial(answer_with, client, question, snapshot, "", END))
    print(
        f"  {'':<24} {found.source} {kept.wall:6.1f} ms ({kept.cpu:.0f} of CPU)"
        f"   {then.wall / kept.wall:.0f} times   made within {making.wall:.0f} ms"
    )


def gain(client: Client, server: Running) -> None:
    """Print what is gained."""
    for unit in UNITS:
        question = asked(unit=unit)
        snapshots(client, server, question, live(client, server, f"weeks, {unit}", question))
    live(client, server, "weeks, click, then any", asked(start=Happening("click")))
    live(client, server, "90 days", asked([END - DAY_MS * n for n in range(90, -1, -1)]))
    live(client, server, "weeks, five hours later", asked([begin + DAY_MS * 5 // 24 for begin in BEGINS[:-1]]))
    client.command(text_of(IDENTIFIED_SQL), {"end": END, "visitors": VISITORS})
    people.reload(client)
    known = people.dictionary_of(client.database)
    for unit in UNITS:
        question = asked(unit=unit)
        live(client, server, f"weeks, {unit}, people", replace(question, scope=replace(question.scope, people=known)))


def cost(client: Client, server: Running) -> None:
    """Print what the view costs the sink."""
    events, _ = refined(ROWS)
    parsed = parse(events, EVENTS.schema)
    block = EVENTS.columns(parsed.rows, parsed.origin, events)
    for way in ("with the view", "without it"):
        for table in ("events", "activity"):
            client.command(f"TRUNCATE TABLE {table} SYNC")
        took = timed(server, partial(client.insert, "events", block))
        print(f"  {way:<14} {took.wall:6.0f} ms ({took.cpu:.0f} of CPU) an insert of {len(block):,}")
        client.command("DROP TABLE IF EXISTS activity_of_events SYNC")


def main(words: Sequence[str]) -> None:
    """Print the figures."""
    millions = int(words[0]) if words else 10
    with store() as (_, server, url):
        client = Client(f"{url}pulse", answer_seconds=600)
        fill(client, millions)
        rows = client.command("SELECT count() FROM activity")
        print(f"{millions:,} M events, {rows} rows of activity")
        gain(client, server)
        cost(client, server)


if __name__ == "__main__":
    main(sys.argv[1:])
