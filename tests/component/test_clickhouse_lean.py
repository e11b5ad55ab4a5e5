"""What makes storing cheaper: set where the store has it, by every migration, and of no consequence for what is stored."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clickhouse import lean
from clickhouse.client import Client
from clickhouse.migrate import migrate, verify

RESET = f"ALTER TABLE events RESET SETTING {', '.join(lean.SETTINGS)}"
INSERT = "INSERT INTO events (site_id, event, ts, event_id, user_id) VALUES ('one', 'x', 5, generateUUIDv4(), 'ada'), ('one', 'x', 5, generateUUIDv4(), '')"
FOUND = "SELECT countIf(user_id = 'ada'), countIf(user_id = ''), count() FROM events"


@pytest.fixture
def client(clickhouse: str) -> Client:
    client = Client(clickhouse)
    migrate(client)
    return client


@contextmanager
def _other(client: Client) -> Iterator[Client]:
    other = client.within(f"{client.database}_other")
    yield other
    other.within(None).command("DROP DATABASE {name:Identifier} SYNC", {"name": other.database})


def test_parts_from_before_and_after_are_read_and_merged(client: Client) -> None:
    client.command(RESET)
    client.command(INSERT)
    assert migrate(client) == []
    verify(client)
    client.command(INSERT)
    assert client.ask(FOUND).rows == [(2, 2, 4)]
    client.command("OPTIMIZE TABLE events FINAL")
    assert client.ask(FOUND).rows == [(2, 2, 4)]
    client.command("DELETE FROM events WHERE user_id = ''")
    assert client.ask(FOUND).rows == [(2, 0, 2)]


def test_a_store_that_knows_none_is_migrated_as_well(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean, "SETTINGS", {"no_such_setting": "1"})
    with _other(client) as other:
        migrate(other)
        verify(other)


def test_a_cluster_that_cannot_be_asked_is_left_as_it_is(client: Client) -> None:
    lean.make(client, "nowhere")
    verify(client)


def test_on_a_cluster_it_is_set_on_all_servers() -> None:
    assert lean.statement({"string_serialization_version"}, "c") == (
        "ALTER TABLE events ON CLUSTER c MODIFY SETTING string_serialization_version = 'single_stream'"
    )
