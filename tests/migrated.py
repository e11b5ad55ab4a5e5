"""The product's tables in a fresh database as the migrations leave them, without going their way: a third of the work.

The first database is migrated, and the others are made by the statements that make its tables as they are then.
"""

import re
from contextlib import closing
from graphlib import TopologicalSorter
from pathlib import Path

import pyarrow as pa

from clickhouse import people
from clickhouse.client import Client
from clickhouse.migrate import migrate as migrate_truly
from clickhouse.migrate import migrations
from pulse.analyst.rule import analytics_of

CREATED = Path(__file__).with_name("created.sql")
FRESH = Path(__file__).with_name("fresh.sql")
DATABASE, ANALYTICS = "\0database", "\0analytics"
RECOGNISABLE = re.compile(r"test_[0-9a-f]{12}")

_statements: dict[object, list[str]] = {}
"""What makes the tables, by the version of ClickHouse that said so."""


def migrate(client: Client) -> None:
    """Make the tables in a database, which is made if it is not there; one that has some, or views of some, is migrated."""
    with closing(client.within(None)) as store:
        version, is_fresh = store.query(FRESH, _asked(client)).rows[0]
        if is_fresh and version in _statements:
            _make(client, store, _statements[version])
            return
    migrate_truly(client)
    if is_fresh and RECOGNISABLE.fullmatch(client.database):
        _statements[version] = _read(client)


def _make(client: Client, store: Client, statements: list[str]) -> None:
    database, analytics = client.database, analytics_of(client.database)
    for name in (database, analytics):
        store.command("CREATE DATABASE IF NOT EXISTS {name:Identifier}", {"name": name})
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
    made = {_open(name, client): _open(text, client) for name, text in client.query(CREATED, _asked(client)).rows}
    reads = {name: {other for other in made if other != name and _names(text, other)} for name, text in made.items()}
    return [made[name] for name in TopologicalSorter(reads).static_order()]


def _asked(client: Client) -> dict[str, object]:
    return {"database": client.database, "analytics": analytics_of(client.database)}


def _open(text: str, client: Client) -> str:
    return text.replace(analytics_of(client.database), ANALYTICS).replace(client.database, DATABASE)


def _names(text: str, table: str) -> bool:
    return re.search(rf"{re.escape(table)}\b", text) is not None
