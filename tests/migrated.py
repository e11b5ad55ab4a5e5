"""The product's tables in a fresh database as the migrations leave them, without going their way: a third of the work.

The first database is migrated, and the others are made by the statements that make its tables as they are then.
"""

import re
from graphlib import TopologicalSorter
from pathlib import Path

import pyarrow as pa

from clickhouse import people
from clickhouse.client import Client
from clickhouse.migrate import migrate as migrate_truly
from clickhouse.migrate import migrations
from pulse.analyst.rule import analytics_of

CREATED = Path(__file__).with_name("created.sql")
DATABASE, ANALYTICS = "\0database", "\0analytics"
RECOGNISABLE = re.compile(r"test_[0-9a-f]{12}")

_statements: dict[object, list[str]] = {}
"""What makes the tables, by the version of ClickHouse that said so."""


def migrate(client: Client) -> None:
    """Make the tables in a database that has none; it is made if it is not there."""
    store = client.within(None)
    version = store.command("SELECT version()")
    if version in _statements:
        _make(client, store, _statements[version])
        return
    migrate_truly(client)
    if RECOGNISABLE.fullmatch(client.database):
        _statements[version] = _read(client)


def _make(client: Client, store: Client, statements: list[str]) -> None:
    database, analytics = client.database, analytics_of(client.database)
    for name in (database, analytics):
        store.command("CREATE DATABASE IF NOT EXISTS {name:Identifier}", {"name": name})
    store.close()
    for statement in statements:
        client.command(statement.replace(DATABASE, database).replace(ANALYTICS, analytics))
    applied = migrations()
    client.insert(
        "migrations",
        pa.table({"name": [each.name for each in applied], "checksum": [each.checksum for each in applied]}),
    )
    people.make(client)


def _read(client: Client) -> list[str]:
    """What makes a database's tables, each after those it reads; the names of databases are left open."""
    asked = {"database": client.database, "analytics": analytics_of(client.database)}
    made = {_open(name, client): _open(text, client) for name, text in client.query(CREATED, asked).rows}
    reads = {name: {other for other in made if other != name and _names(text, other)} for name, text in made.items()}
    return [made[name] for name in TopologicalSorter(reads).static_order()]


def _open(text: str, client: Client) -> str:
    return text.replace(analytics_of(client.database), ANALYTICS).replace(client.database, DATABASE)


def _names(text: str, table: str) -> bool:
    return re.search(rf"{re.escape(table)}\b", text) is not None
