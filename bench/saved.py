"""What a saved funnel gains, and what it costs the sink: `python -m bench.saved [MILLIONS]`.

In a ClickHouse of the bench's own: a funnel of three steps over 30 days of a site with three of ten events, from the events
and from rows of its own, wall and CPU; and ms of ClickHouse's CPU for an insert of 50,000 events with 0, 10 and 50 saved
funnels, by one view for all and by a view for each.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import psutil

from bench.sink import refined, store
from clickhouse.client import Client, text_of
from clickhouse.funnels import build, view
from clickhouse.funnels.entry import Entry
from clickhouse.reports.filter import Condition, Parameters
from clickhouse.reports.funnel import FunnelQuery, Step
from clickhouse.reports.funnel_answer import answer
from clickhouse.reports.funnel_attempts import fits
from clickhouse.reports.scope import Scope
from clickhouse.sink.events import EVENTS
from clickhouse.sink.lines import parse
from deploy.local.process import Running

EVENTS_SQL = Path(__file__).parent / "queries" / "funnel_events.sql"
DAY_MS = 86_400_000
BEGIN = 1_772_323_200_000
VISITORS = 300_000
ROUNDS = 9
ROWS = 50_000
FUNNELS = (0, 10, 50)


class Took(NamedTuple):
    """The median of some rounds, and ClickHouse's CPU of each, in ms."""

    wall: float
    cpu: float


def timed(server: Running, work: Callable[[], object], rounds: int = ROUNDS) -> Took:
    """Of some rounds after a first one."""
    work()
    process, walls = psutil.Process(server.pid), []
    before = sum(process.cpu_times()[:2])
    for _ in range(rounds):
        began = perf_counter()
        work()
        walls.append((perf_counter() - began) * 1000)
    return Took(median(walls), (sum(process.cpu_times()[:2]) - before) * 1000 / rounds)


def asked(count: str) -> FunnelQuery:
    """The funnel."""
    steps = (Step("click"), Step("signup"), Step("purchase"))
    units = {"users": "users", "visitors": "visitors"}
    scope = Scope("big", BEGIN, BEGIN + 30 * DAY_MS)
    return FunnelQuery(scope, steps, 14 * DAY_MS, count=units[count])  # type: ignore[arg-type]


def gain(client: Client, server: Running, millions: int) -> None:
    """Print what saving the funnel brings."""
    for _ in range(millions):
        client.command(text_of(EVENTS_SQL), {"visitors": VISITORS})
    client.command("OPTIMIZE TABLE events FINAL")
    questions = [asked(count) for count in ("users", "visitors")]
    raw = [timed(server, lambda each=each: answer(client, each, BEGIN)) for each in questions]  # type: ignore[misc]
    before = [answer(client, each, BEGIN) for each in questions]
    bound = Parameters()
    began = perf_counter()
    build.save(client, build.kept_of("big", "funnel", fits(questions[0], bound), bound))
    build.mend(client)
    print(f"{millions:,} M events; saved within {perf_counter() - began:.1f} s")
    for each, then, found in zip(questions, raw, before, strict=True):
        now = timed(server, lambda each=each: answer(client, each, BEGIN))  # type: ignore[misc]
        kept = answer(client, each, BEGIN)
        assert kept.whole == found.whole
        print(
            f"  {each.count:<9} {found.source} {then.wall:6.0f} ms ({then.cpu:.0f} of CPU, {found.rows_read:,} rows)"
            f"   {kept.source} {now.wall:6.0f} ms ({now.cpu:.0f} of CPU, {kept.rows_read:,} rows)"
        )


def entries(count: int, sites: Sequence[str]) -> list[Entry]:
    """So many funnels, each of another site in turn, with a property among their conditions."""
    found = []
    for n in range(count):
        bound = Parameters()
        price = Condition("properties.price", "gte", (float(n),))
        steps = (Step("page_view"), Step("click", price), Step("purchase"))
        question = FunnelQuery(Scope(sites[n % len(sites)], 0, 0), steps, DAY_MS)
        found.append(Entry(n + 1, question.scope.site_id, fits(question, bound), dict(bound)))
    return found


def cost(client: Client, server: Running) -> None:
    """Print what funnels cost the sink."""
    events, _ = refined(ROWS)
    parsed = parse(events, EVENTS.schema)
    block = EVENTS.columns(parsed.rows, parsed.origin, events)
    sites = sorted(set(block["site_id"].to_pylist()))
    for count in FUNNELS:
        for way, groups in (("one view", 1), ("a view each", max(count, 1))):
            _drop(client)
            own = entries(count, sites)
            for n in range(groups if own else 0):
                view.renew(client, own[n::groups], lambda: set(range(1, count + 1)))  # noqa: B023 - called at once
            took = timed(server, lambda: client.insert("events", block))
            print(
                f"  {count:>3} funnels, {way:<12} {took.wall:6.0f} ms ({took.cpu:.0f} of CPU) an insert of {len(block):,}"
            )
    _drop(client)


def _drop(client: Client) -> None:
    for name, _ in client.query("funnels/views").rows:
        client.command(f"DROP TABLE {name} SYNC")
    for table in ("events", "funnel_steps"):
        client.command(f"TRUNCATE TABLE {table} SYNC")


def main(words: Sequence[str]) -> None:
    """Print the figures."""
    with store() as (_, server, url):
        client = Client(f"{url}pulse", answer_seconds=600)
        gain(client, server, int(words[0]) if words else 10)
        client.command("TRUNCATE TABLE funnel_builds SYNC")
        cost(client, server)


if __name__ == "__main__":
    main(sys.argv[1:])
