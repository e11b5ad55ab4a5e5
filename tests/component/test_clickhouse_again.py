"""What views write of events is there too, whatever an insert was cut short at."""

import time
from collections.abc import Sequence
from typing import Any

import pytest

from clickhouse.client import Client
from clickhouse.funnels import build
from clickhouse.reports.filter import Parameters
from clickhouse.reports.funnel import FunnelQuery, Step
from clickhouse.reports.funnel_attempts import fits
from clickhouse.reports.scope import Scope
from clickhouse.sink import again
from clickhouse.sink.record import Record
from clickhouse.sink.write import Writer
from pulse import topics
from pulse.errors import PulseError
from pulse.place import Place
from tests.storing import events, ledger_of, lines_of

LINKS = "SELECT site_id, visitor_id, user_id, min(first) FROM identity_links GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
STEPS = "SELECT site_id, fits, visitor_id, event_id FROM funnel_steps FINAL ORDER BY 1, 4"
DEVICES = "SELECT fingerprint_id, min(first_seen), uniqCombined64Merge(events), max(latest) FROM fingerprints GROUP BY 1 ORDER BY 1"
COUNTS = "SELECT count(), uniqExact(event_id) FROM events"


@pytest.fixture
def client(migrated: Client) -> Client:
    return migrated


def records() -> tuple[str, list[Record]]:
    """A site, and records of it in which some visitors are identified."""
    lines: list[dict[str, Any]] = [*events(1, 30)]
    site = lines[0]["site_id"]
    for n, line in enumerate(lines):
        line |= {"site_id": site, "event": ("identify", "page_view")[n % 2], "user_id": f"u{n % 3}"}
        line |= {"fingerprint_id": f"f{n % 4}"}
    parts = [lines[:10], lines[10:20], lines[20:]]
    made = [
        Record(topics.EVENTS, n % 2, n, Place("log", n % 2, n // 2), lines_of(part), ledger=ledger_of(part))
        for n, part in enumerate(parts)
    ]
    return site, made


def save(client: Client, site: str) -> None:
    asked = FunnelQuery(Scope(site, 0, 2**41), (Step("page_view"), Step("identify")), 60_000)
    bound = Parameters()
    build.save(client, build.kept_of(site, "f", fits(asked, bound), bound))
    build.mend(client)


def found(client: Client) -> list[Sequence[Any]]:
    return [client.ask(each).rows for each in (LINKS, STEPS, COUNTS, DEVICES)]


@pytest.mark.parametrize("broken", ["identify", "page_view"])
def test_events_that_come_again_are_seen_by_views_too(client: Client, broken: str) -> None:
    site, own = records()
    save(client, site)
    whole = Writer(client)
    whole.begin()
    whole.store(own)
    expected = found(client)
    assert len(expected[0]) >= 10
    assert len(expected[1]) == 30
    assert len(expected[3]) == 4

    for table in ("events", "ledger_minute", "identity_links", "funnel_steps", "fingerprints"):
        client.command(f"TRUNCATE TABLE {table} SYNC")
    client.command(
        f"CREATE MATERIALIZED VIEW breaks ENGINE = Memory AS SELECT throwIf(event::String = '{broken}') AS x FROM events"
    )
    cut = Writer(client)
    cut.begin()
    with pytest.raises(PulseError):
        cut.store(own)
    client.command("DROP TABLE breaks SYNC")
    assert (client.ask(COUNTS).rows[0][0], client.ask(STEPS).rows) == (30, [])
    client.command("TRUNCATE TABLE identity_links SYNC")

    cut.begin()
    cut.store(own)
    assert found(client) == expected


def test_however_long_it_takes_what_is_new_is_stored(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    _, own = records()
    before = Writer(client)
    before.begin()
    before.store(own[:2])
    write, most_s = again.write, 2.0

    def slow(*given: Any) -> None:
        time.sleep(most_s)
        write(*given)

    monkeypatch.setattr(again, "write", slow)
    late = Writer(client, most_s)
    late.begin()
    late.store(own)
    assert client.ask(COUNTS).rows == [(30, 30)]
