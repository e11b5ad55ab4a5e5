"""Many events of many sites, made inside ClickHouse: through every view, and with the minute aggregates that the rollup makes of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from clickhouse.client import Client, text_of
from tests.eventually import eventually

QUERIES = Path(__file__).parent / "queries"
DAY_MS = 86_400_000
SPAN_MS = 98 * DAY_MS
"""Thirteen whole weeks, and the one that is not over."""
EVENTS_A_VISIT = 85 / 16
EVENTS_A_VISITOR = 50
CALM_S = 900
SETTINGS: dict[str, object] = {"max_threads": 2, "max_insert_threads": 2, "max_partitions_per_insert_block": 0}


class Filling(Struct, frozen=True, kw_only=True):
    """So many events up to a moment, of so many sites, of which one has a share of its own and so many visitors."""

    events: int
    sites: int
    hot: float
    end_ms: int
    site: str = "hot"
    visitors: int = 0

    @property
    def start_ms(self) -> int:
        """When the first visits begin."""
        return self.end_ms - SPAN_MS

    def given(self, begin_ms: int, until_ms: int) -> dict[str, object]:
        """What the statement takes for the visits that begin in a part of the time."""
        others = max(self.sites - 1, 1)
        fewer = self.events * (1 - self.hot) / others / EVENTS_A_VISITOR
        return {
            "site": self.site,
            "others": others,
            "hot": round(self.hot * 1000),
            "visitors": self.visitors or max(int(self.events * self.hot / EVENTS_A_VISITOR), 1),
            "fewer": max(int(fewer), 1),
            "seed": begin_ms,
            "begin": begin_ms,
            "span": until_ms - begin_ms,
            "visits": round(self.events / EVENTS_A_VISIT * (until_ms - begin_ms) / SPAN_MS),
        }


def fill(client: Client, wanted: Filling, say: Callable[[str], None] = lambda _: None) -> None:
    """Store the events day by day, those of the latest last; returns once nothing is merged any more."""
    before = 0
    for begin, until in days(wanted.start_ms, wanted.end_ms):
        add(client, wanted, begin, until)
        if before:
            _sum_up(client, before, begin)
        before = begin
        say(f"{(until - wanted.start_ms) / SPAN_MS:.0%}")
    _sum_up(client, before, wanted.end_ms)
    eventually(lambda: client.ask(text_of(QUERIES / "answers_merging.sql")).rows[0][0] == 0, within=CALM_S, every=0.5)


def add(client: Client, wanted: Filling, begin_ms: int, until_ms: int) -> None:
    """Store the events of the visits that begin in a part of the time, without those that lie after the end of all."""
    given = wanted.given(begin_ms, until_ms) | {"until": wanted.end_ms}
    client.command(text_of(QUERIES / "answers_events.sql"), given, **SETTINGS)


def days(start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """The days of a time, in UTC, the first and the last as far as they lie in it."""
    begin = start_ms
    while begin < end_ms:
        until = min((begin // DAY_MS + 1) * DAY_MS, end_ms)
        yield begin, until
        begin = until


def _sum_up(client: Client, begin_ms: int, until_ms: int) -> None:
    given = {"begin": begin_ms, "until": until_ms}
    client.command(text_of(QUERIES / "answers_minutes.sql"), given, **SETTINGS)
