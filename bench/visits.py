"""How long reports over sessions take, and in how much memory: `python -m bench.visits [MILLIONS]`.

In a ClickHouse of the bench's own: 30 days of a site whose client names its sessions, and of one where they are told by 30 minutes,
each with so many millions of events (2 unless told), beside as many of others. For each report the median wall, ClickHouse's CPU
and peak memory; first of all sessions counted by putting each event in order, as reports did that now put half hours in order.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Template

from bench.saved import DAY_MS, timed
from bench.sink import store
from clickhouse.client import Client, text_of
from clickhouse.reports import attribution, journeys, pages, query, sources
from clickhouse.reports.metric import metric_of
from clickhouse.reports.query import Question
from clickhouse.reports.scope import Scope
from clickhouse.reports.source import rows_of
from deploy.local.process import Running

FILLER = Path(__file__).parent / "queries" / "session_events.sql"
ORDERED = Path(__file__).parent / "queries" / "ordered.sql"
PEAK = Path(__file__).parent / "queries" / "peak.sql"
BEGIN = 1_772_323_200_000
VISITORS = 300_000
VISITS = 99_000
"""Half a million events."""
ROUNDS = 3
METRICS = ("sessions", "bounce_rate", "session_duration", "views_per_session", "conversion_rate")


def fill(client: Client, millions: int) -> None:
    """Store the events of three sites."""
    for number, (site, told) in enumerate((("named", 1), ("told", 0), ("other", 0))):
        for part in range(2 * millions):
            given = {"site": site, "told": told, "seed": 100 * number + part, "start": BEGIN}
            client.command(text_of(FILLER), given | {"visitors": VISITORS, "visits": VISITS})
    client.command("OPTIMIZE TABLE events FINAL")


def reports(client: Client, scope: Scope) -> Mapping[str, Callable[[], object]]:
    """What is asked."""
    metrics = tuple(metric_of(name, "bench") for name in METRICS)
    days = tuple(range(scope.start_ms, scope.end_ms, DAY_MS))
    credit = attribution.AttributionQuery(scope, "purchase", model="linear", by="source")
    ordered = Template(text_of(ORDERED)).substitute(rows=rows_of(scope, "sessions"))
    return {
        "events in order": lambda: client.ask(ordered, scope.parameters()),
        "sources": lambda: sources.sources(client, scope, "channel", 100),
        "pages": lambda: pages.pages(client, scope, 100),
        "attribution": lambda: attribution.answer(client, credit),
        "metrics": lambda: query.answer(client, Question(scope, metrics, target_event="purchase")),
        "metrics by day": lambda: query.answer(
            client, Question(scope, metrics, (), "day", days, target_event="purchase")
        ),
        "journeys": lambda: journeys.answer(client, journeys.JourneysQuery(scope, step="path")),
    }


def show(client: Client, server: Running, site: str) -> None:
    """Print the figures of a site."""
    for name, ask in reports(client, Scope(site, BEGIN, BEGIN + 30 * DAY_MS)).items():
        [[since]] = client.ask("SELECT toUnixTimestamp64Micro(now64(6))").rows
        took = timed(server, ask, ROUNDS)
        client.command("SYSTEM FLUSH LOGS query_log")
        [[peak]] = client.query(PEAK, {"since": since, "database": client.database}).rows
        print(f"  {name:<16} {took.wall:6.0f} ms ({took.cpu:.0f} of CPU), {peak / 1e6:.0f} MB", flush=True)


def main(words: Sequence[str]) -> None:
    """Print the figures."""
    with store() as (_, server, url):
        client = Client(f"{url}pulse", answer_seconds=600)
        fill(client, int(words[0]) if words else 2)
        for site in ("named", "told"):
            [[events]] = client.ask("SELECT count() FROM events WHERE site_id = {site:String}", {"site": site}).rows
            print(f"sessions {site}: {events:,} events")
            show(client, server, site)


if __name__ == "__main__":
    main(sys.argv[1:])
