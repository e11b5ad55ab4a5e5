"""What makes storing cheaper changes nothing of what is stored: columns that a block has not are there, whatever is done to its part."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from clickhouse import lean
from clickhouse.client import Client
from clickhouse.migrate import migrate, verify

READ = Path(__file__).parent / "lean_read.sql"
BARE = [("00000000-0000-4000-8000-000000000001", "", "", "{}", 0, 0, None)]
FULL = ("00000000-0000-4000-8000-000000000002", "ada", "spring", '{"a":1}', 7, 5, 3_000)


@pytest.fixture
def client(clickhouse: str) -> Client:
    client = Client(clickhouse)
    migrate(client)
    return client


def _insert(client: Client, *names: str) -> None:
    """A row of the first id with nothing else, or one of the second with all."""
    row = dict(
        zip(("event_id", "user_id", "utm_campaign", "properties", "risk", "revenue", "sent_at"), FULL, strict=True)
    )
    row["sent_at"] = row["sent_at"] and pa.scalar(3_000, pa.timestamp("ms", "UTC"))
    chosen = {name: pa.array([row[name]]) for name in names}
    ids = pa.array([FULL[0] if names else BARE[0][0]])
    client.insert("events", pa.table({"site_id": ["one"], "event": ["x"], "ts": [5], **chosen, "event_id": ids}))


def _bare(client: Client) -> None:
    _insert(client)


def _full(client: Client) -> None:
    _insert(client, "user_id", "utm_campaign", "properties", "risk", "revenue", "sent_at")


def _rows(client: Client) -> list[tuple[object, ...]]:
    return [tuple(row) for row in client.query(READ).rows]


def _merged(client: Client) -> None:
    client.command("OPTIMIZE TABLE events FINAL")


def _set_back(client: Client) -> None:
    client.command(f"ALTER TABLE events RESET SETTING {', '.join(n for own in lean.SETTINGS.values() for n in own)}")
    _merged(client)


DONE: dict[str, Callable[[Client], object]] = {
    "nothing": lambda client: None,
    "merged": _merged,
    "mutated": lambda client: client.command("ALTER TABLE events UPDATE title = 'x' WHERE 1", mutations_sync=2),
    "deleted from": lambda client: client.command("DELETE FROM events WHERE event = 'y'"),
    "made a projection of": lambda client: client.command(
        "ALTER TABLE events MATERIALIZE PROJECTION pages SETTINGS mutations_sync = 2"
    ),
    "made an index of": lambda client: client.command(
        "ALTER TABLE events MATERIALIZE INDEX fingerprint SETTINGS mutations_sync = 2"
    ),
    "taken out and in": lambda client: (
        client.command("ALTER TABLE events DETACH PARTITION 197001"),
        client.command("ALTER TABLE events ATTACH PARTITION 197001"),
    ),
    "set back": _set_back,
}


@pytest.mark.parametrize("what", DONE)
def test_what_a_block_has_not_is_there(client: Client, what: str) -> None:
    _bare(client)
    missing = "SELECT count() FROM system.parts_columns WHERE database = currentDatabase() AND table = 'events' AND active AND column = 'utm_campaign'"
    assert client.command(missing) == 0
    DONE[what](client)
    assert _rows(client) == BARE
    _full(client)
    assert _rows(client) == [*BARE, FULL]
    DONE[what](client)
    _merged(client)
    assert _rows(client) == [*BARE, FULL]


def test_a_store_that_knows_none_is_migrated_as_well(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean, "SETTINGS", {"no_such_setting": {"no_such_setting": "1"}})
    other = client.within(f"{client.database}_other")
    migrate(other)
    verify(other)
    other.command("DROP DATABASE {name:Identifier} SYNC", {"name": other.database})


def test_it_is_set_on_a_store_that_has_been_migrated(client: Client) -> None:
    client.command("ALTER TABLE events RESET SETTING skip_empty_columns_on_insert")
    assert migrate(client) == []
    verify(client)


def test_a_cluster_that_cannot_be_asked_is_left_as_it_is(client: Client) -> None:
    lean.make(client, "nowhere")
    verify(client)


def test_on_a_cluster_it_is_set_on_all_servers() -> None:
    assert lean.statement({"string_serialization_version"}, "c") == (
        "ALTER TABLE events ON CLUSTER c MODIFY SETTING string_serialization_version = 'single_stream'"
    )
