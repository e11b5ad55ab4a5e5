"""Migrations: applied once, verified, and told apart from a tampered schema; every query's SQL runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clickhouse import people
from clickhouse.client import QUERIES, Client
from clickhouse.migrate import FOLDER, migrate, migrations, verify
from pulse.analyst.rule import analytics_of
from pulse.errors import QueryError, SchemaError, Unavailable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def client(clickhouse: str) -> Client:
    client = Client(clickhouse)
    migrate(client)
    return client


def test_each_migration_is_applied_once(clickhouse: str) -> None:
    client = Client(clickhouse + "_new")
    names = [migration.name for migration in migrations()]
    assert names == sorted(names)
    assert migrate(client) == names
    assert migrate(client) == []
    verify(client)
    client.command("DROP DATABASE {database:Identifier}", {"database": client.database})


def test_a_run_that_was_cut_short_is_finished(client: Client) -> None:
    client.command("ALTER TABLE migrations DELETE WHERE name >= '0003' SETTINGS mutations_sync = 2")
    client.command("DROP TABLE config SYNC")
    assert migrate(client)[0].startswith("0003")
    verify(client)


@pytest.mark.parametrize(
    ("tampering", "named"),
    [
        ("ALTER TABLE events MODIFY COLUMN country String", "events: column country is String"),
        ("ALTER TABLE events ADD COLUMN extra UInt8", "events: column extra should not be there"),
        ("ALTER TABLE metrics_minute DROP COLUMN bots", "metrics_minute: column bots is missing"),
        ("ALTER TABLE events MODIFY COLUMN ts CODEC(ZSTD(3))", "events: column ts"),
        ("ALTER TABLE events MODIFY COLUMN properties DEFAULT 'x'", "events: column properties"),
        ("ALTER TABLE events DROP PROJECTION stored", "events: definition"),
        ("ALTER TABLE events DROP INDEX place", "events: definition"),
        ("ALTER TABLE events ADD CONSTRAINT c CHECK event != ''", "events: definition"),
        ("ALTER TABLE events_rejected MODIFY TTL stored_at + INTERVAL 1 DAY", "events_rejected: engine"),
        ("ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = 0", "events: engine"),
        ("DROP TABLE config", "config is missing"),
        ("DROP VIEW {analytics:Identifier}.events", "analytics.events is missing"),
        (
            "CREATE OR REPLACE VIEW {analytics:Identifier}.rejected AS SELECT 1 AS site_id",
            "rejected: column received_at",
        ),
    ],
)
def test_a_tampered_schema_is_named(client: Client, tampering: str, named: str) -> None:
    verify(client)
    client.command(tampering, {"analytics": analytics_of(client.database)})
    with pytest.raises(SchemaError, match=named):
        verify(client)
    assert not [name for name in _databases(client) if "_verify_" in name and name.startswith(client.database)]


def test_another_sorting_key_is_named(client: Client) -> None:
    client.command("DROP TABLE config SYNC")
    client.command("CREATE TABLE config (kind String, id String) ENGINE = MergeTree ORDER BY id")
    with pytest.raises(SchemaError, match=r"config: column kind.*config: sorting key is «id», should be «kind, id»"):
        verify(client)


def test_a_changed_file_is_named(client: Client, tmp_path: Path) -> None:
    for path in FOLDER.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text() + ("-- more\n" if path.name.startswith("0002") else ""))
    for attempt in (migrate, verify):
        with pytest.raises(SchemaError, match="0002_events_rejected has been changed"):
            attempt(client, tmp_path)
    (tmp_path / "0002_events_rejected.sql").unlink()
    with pytest.raises(SchemaError, match="0002_events_rejected was applied, but has no file"):
        verify(client, tmp_path)


def test_the_command_says_what_differs_and_fails(client: Client, clickhouse: str) -> None:
    assert _run(clickhouse).returncode == 0
    assert _run(clickhouse, "verify").returncode == 0
    client.command("ALTER TABLE config DROP COLUMN deleted")
    told = _run(clickhouse, "verify")
    assert told.returncode == 1
    assert "config: column deleted is missing" in told.stderr


def _run(clickhouse: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "clickhouse.migrate", *arguments]
    environment = {**os.environ, "PULSE_CLICKHOUSE_URL": clickhouse}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def _databases(client: Client) -> list[str]:
    return [str(row[0]) for row in client.query(Path(__file__).parent / "databases.sql").rows]


EVENT = "0198c0de-0000-7000-8000-000000000001"
ROWS = (
    "INSERT INTO events (site_id, event, ts, event_id) VALUES ('one', 'x', 5, '" + EVENT + "')",
    f"INSERT INTO events_rejected (site_id, reason, event_id, _stage, _log) VALUES ('one', 'unstorable', '{EVENT}', 'events', 'log')",
    "INSERT INTO metrics_minute (site_id, minute, event, events) VALUES ('', 0, '', 0), ('one', 0, 'x', 1)",
    "INSERT INTO ledger_minute (site_id, minute, received) VALUES ('', 0, 1), ('one', 0, 1)",
    "INSERT INTO identity_links (site_id, visitor_id, user_id) VALUES ('one', 'v', 'u')",
    "INSERT INTO alert_history (site_id, id, at, kind, rule_id) VALUES ('one', 'a', 5, 'firing', 'r')",
)
STATS: dict[str, object] = {
    "site": "one",
    "start": 0,
    "end": 60_000,
    "group": "day",
    "timezone": "Europe/Vienna",
    "bots": "include",
}
ALERTING: dict[str, object] = {
    **{"site": "one", "rule": "", "before": 9_000, "last": "", "limit": 5},
    **{"sites": ["one"], "since": 0, "until": 9},
    **dict.fromkeys(("by_event", "by_country", "by_device", "by_currency"), True),
}
NO_FILTERS: dict[str, object] = {"events": [], "countries": [], "devices": [], "currency": ""}


NAMES = sorted(str(path.relative_to(QUERIES).with_suffix("")) for path in QUERIES.rglob("*.sql"))
OWN = ("replay/", "funnels/", "activity/", "people/again", "devices/again", "schema/known_by_all")
"""These need a cluster, stand on tables that a replay makes first, are put together, or change what is stored: their own tests run each of them."""


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(OWN)])
def test_every_query_runs(client: Client, name: str) -> None:
    for row in ROWS:
        client.command(row)
    of_people = {"people": people.dictionary_of(client.database), "sites": ["one"], "of_site": people.OF_SITE}
    asked: dict[str, dict[str, object]] = {
        "stats": STATS | NO_FILTERS | {"money": 1},
        "alerting": ALERTING,
        "people": {"site": "one", "visitor": "v", "user": "", "limit": 5} | of_people,
        "schema": {"database": client.database, "names": ["merge_selector_base"]},
        "fate": {"site": "one", "id": EVENT, "start": 0, "end": 60_000},
        "stored": {"prefix": "", "log": "log", "partition": 0, "first": 0, "last": 1},
    }
    assert client.query(name, asked[name.partition("/")[0]]).rows


def test_analysts_see_every_row_and_no_machinery(client: Client) -> None:
    client.command("INSERT INTO events (site_id, event, ts, event_id) VALUES ('one', 'x', 5, generateUUIDv4())")
    client.command(
        "INSERT INTO metrics_minute (site_id, minute, events) VALUES ('', 0, 0), ('one', 0, 1), ('one', 0, 2)"
    )
    analysts = client.within(analytics_of(client.database))
    assert analysts.command("SELECT count() FROM events") == 1
    assert analysts.command("SELECT sum(events) FROM metrics_minute") == 3
    assert analysts.command("SELECT count() FROM metrics_minute") == 1
    hidden = "SELECT count() FROM system.columns WHERE database = currentDatabase() AND startsWith(name, '_')"
    assert analysts.command(hidden) == 0


def test_a_store_that_is_away_or_says_no() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        Client("http://127.0.0.1:9/pulse").ping()


def test_a_refused_query_names_the_code_and_no_secret(client: Client) -> None:
    with pytest.raises(QueryError, match=r"refused \(60\)") as caught:
        client.command("SELECT * FROM nowhere")
    assert caught.value.code == 60
    assert "Stack trace" not in str(caught.value)
    with pytest.raises(Unavailable, match="159"):
        client.command("SELECT sleepEachRow(1) FROM numbers(3)", max_execution_time=1)


def test_parameters_are_bound_and_never_spliced(client: Client) -> None:
    evil = "'; DROP TABLE events; --\\ \n\t\0\" {x:String}"
    assert client.query(Path(__file__).parent / "echo.sql", {"text": evil, "texts": [evil, ""]}).rows[0] == (
        evil,
        [evil, ""],
    )
