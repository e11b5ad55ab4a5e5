"""Pressure on few aggregates, and the books afterwards: accepted = rows = minute aggregates = /api/v1/stats, site by site.

`python -m bench hotdb [--require-complete]`. With `--require-complete` it ends with 1 if a count differs or anything lags.
"""

import sys

from msgspec import Struct

from bench.drive import Run, drive
from bench.evidence import begin
from bench.hops import Hops
from bench.options import layout, parser, plan
from bench.outcome import lines, outcome, told
from bench.stack import Stack, running

SITES = "SELECT site_id, count() FROM events GROUP BY site_id"
MINUTES = "SELECT site_id, sum(events) FROM metrics_minute WHERE site_id != '' GROUP BY site_id"
SNAPSHOT = """
SELECT table, count() AS parts, sum(rows) AS rows, sum(bytes_on_disk) AS bytes
FROM system.parts WHERE active AND database = 'pulse' GROUP BY table ORDER BY table
"""


class Account(Struct, frozen=True):
    """The counts of a site."""

    site: str
    accepted: int
    rows: int
    minutes: int
    stats: int

    @property
    def balances(self) -> bool:
        """Whether all of them are one number."""
        return self.accepted == self.rows == self.minutes == self.stats


def main(words: list[str]) -> int:
    """Load, wait, and compare."""
    options = parser(__doc__, rate=10_000, seconds=30, sites=20, hot=0.6, late=0.0)
    options.add_argument("--require-complete", action="store_true")
    asked = options.parse_args(words)
    evidence = begin("hotdb", asked)
    with running(layout(asked)) as stack:
        run = drive(stack, plan(asked))
        accounts, lag, snapshot = books(stack, run), lag_now(stack), stack.ask(SNAPSHOT)
    evidence.raw("books", accounts)
    balance = {"complete": all(each.balances for each in accounts), "lag": lag}
    evidence.raw("balance", balance)
    evidence.raw("after", [dict(zip(("table", "parts", "rows", "bytes"), row, strict=True)) for row in snapshot])
    evidence.figure("hot database: all counts equal", "", "balance", "complete")
    evidence.figure("hot database: records that lag afterwards", "records", "balance", "lag")
    told(evidence, found := outcome(run), "outcome", "hot database")
    print("\n".join(lines(found)))
    for each in accounts[:3]:
        print(
            f"{each.site:10} accepted {each.accepted:,} rows {each.rows:,} minutes {each.minutes:,} stats {each.stats:,}"
        )
    print(f"{len(accounts)} sites: {'all counts equal' if balance['complete'] else 'COUNTS DIFFER'}, lag {lag} records")
    is_complete = bool(balance["complete"]) and not lag
    return 1 if asked.require_complete and not is_complete else 0


def books(stack: Stack, run: Run) -> list[Account]:
    """Each loaded site's counts. Requests that were answered otherwise than 202 must not be among them."""
    rows, minutes = (dict(stack.ask(sql)) for sql in (SITES, MINUTES))
    accepted = [sum(load.summary.by_site[n] for load in run.loads) for n in range(len(stack.sites))]
    return [
        Account(site, accepted[n], rows.get(site, 0), minutes.get(site, 0), counted(stack, site))
        for n, site in enumerate(stack.sites)
    ]


def counted(stack: Stack, site: str) -> int:
    """What the API says of a site."""
    return int(stack.product.stats(site_id=site, metric="event_count", period="24h").json()["data"]["value"])


def lag_now(stack: Stack) -> int:
    """Records that the hops lie behind in all."""
    hops = Hops(stack.product.url("kafka"), stack.layout.partitions)
    try:
        return sum(hops.lag().values())
    finally:
        hops.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
