"""What a snapshot of retention gains: `python -m bench.snapshot [MILLIONS]`.

In a ClickHouse of the bench's own: retention by the last 13 weeks of a site with so many million events over 26 weeks and
200,000 visitors, from the events and from the snapshot with the look whether it still holds; and what making it takes.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.saved import timed
from bench.sink import store
from clickhouse.client import Client, text_of
from clickhouse.reports.grid import Grid
from clickhouse.reports.retention import RetentionQuery, answer
from clickhouse.reports.retention_snapshot import UNITS, WEEKS, answer_with, take
from clickhouse.reports.scope import Scope
from deploy.local.process import Running

EVENTS_SQL = Path(__file__).parent / "queries" / "retention_events.sql"
WEEK_MS = 7 * 86_400_000
END = 1_772_409_600_000
SPAN_WEEKS = 26
VISITORS = 200_000
BEGINS = tuple(END - WEEK_MS * n for n in range(WEEKS, -1, -1))


def gain(client: Client, server: Running, millions: int) -> None:
    """Print what the snapshot brings."""
    asked = {"end": END, "span": SPAN_WEEKS * WEEK_MS, "visitors": VISITORS}
    for _ in range(millions):
        client.command(text_of(EVENTS_SQL), asked)
    client.command("OPTIMIZE TABLE events FINAL")
    print(f"{millions:,} M events")
    for unit in UNITS:
        grid = Grid(BEGINS)
        scope = Scope("big", BEGINS[0], END)
        question = RetentionQuery(scope, grid, tuple((n, n) for n in range(WEEKS)), unit=unit)
        making = timed(server, lambda unit=unit: take(client, "big", unit, BEGINS, END), 3)  # type: ignore[misc]
        snapshot = take(client, "big", unit, BEGINS, END)
        live = timed(server, lambda question=question: answer(client, question, END), 3)  # type: ignore[misc]
        kept = timed(
            server,
            lambda question=question, snapshot=snapshot: answer_with(client, question, snapshot, "", END),  # type: ignore[misc]
        )
        found = answer_with(client, question, snapshot, "", END)
        assert found.groups == answer(client, question, END).groups
        print(
            f"  {unit:<9} events {live.wall:6.0f} ms ({live.cpu:.0f} of CPU)   {found.source} {kept.wall:6.1f} ms"
            f" ({kept.cpu:.0f} of CPU)   {live.wall / kept.wall:.0f} times   made within {making.wall:.0f} ms"
        )


def main(words: Sequence[str]) -> None:
    """Print the figures."""
    with store() as (_, server, url):
        gain(Client(f"{url}pulse", answer_seconds=600), server, int(words[0]) if words else 10)


if __name__ == "__main__":
    main(sys.argv[1:])
