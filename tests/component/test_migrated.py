"""The tables that the tests are given are those of the migrations."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from clickhouse.client import Client
from clickhouse.migrate import migrate as migrate_truly
from clickhouse.migrate import verify
from clickhouse.schema import tables_of
from pulse.analyst.rule import analytics_of
from tests.migrated import migrate


@pytest.fixture
def fresh(clickhouse: str) -> Iterator[Callable[[], Client]]:
    """Gives clients of databases that are not there yet."""
    made: list[Client] = []

    def give() -> Client:
        made.append(Client(clickhouse).within(f"test_{uuid4().hex[:12]}"))
        return made[-1]

    yield give
    for client in made:
        for database in (client.database, analytics_of(client.database)):
            client.within(None).command("DROP DATABASE {database:Identifier} SYNC", {"database": database})
        client.close()


def test_they_are_those_of_the_migrations(fresh: Callable[[], Client]) -> None:
    read, made, right = fresh(), fresh(), fresh()
    migrate(read)
    migrate(made)
    migrate_truly(right)
    verify(made)
    called = {made.database: right.database}
    for of in (str, analytics_of):
        assert tables_of(made, of(made.database), called) == tables_of(right, of(right.database), {})
    asked = "SELECT name, checksum FROM migrations ORDER BY name"
    assert made.ask(asked).rows == right.ask(asked).rows
    assert migrate_truly(made) == []


def test_what_a_test_does_to_its_tables_is_not_in_the_next(fresh: Callable[[], Client]) -> None:
    first, second = fresh(), fresh()
    for client in (first, second):
        migrate(client)
        client.command("ALTER TABLE config ADD COLUMN more String")
        client.command("INSERT INTO config (kind, id) VALUES ('site', 'one')")
        assert client.ask("SELECT count() FROM config").rows == [(1,)]


def test_what_has_tables_already_is_migrated(fresh: Callable[[], Client]) -> None:
    first, second = fresh(), fresh()
    migrate(first)
    migrate(first)
    migrate(second)
    second.within(None).command("DROP DATABASE {database:Identifier} SYNC", {"database": second.database})
    migrate(second)
    verify(second)
