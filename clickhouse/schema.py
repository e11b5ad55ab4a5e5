"""What a database's tables are, and how two databases differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from clickhouse.client import Client

PARTS = ("engine", "partition key", "sorting key", "primary key", "sampling key", "query", "definition")
"""What is compared of a table beside its columns; the definition holds indexes, projections, constraints, TTL."""


@dataclass(frozen=True)
class Table:
    """A table or view: its columns (name → type, default and codec) and its other parts."""

    columns: Mapping[str, str]
    parts: Mapping[str, str]


def tables_of(client: Client, database: str, called: Mapping[str, str]) -> dict[str, Table]:
    """The tables of a database, names of databases written as they are `called`; raises as Client.query does."""
    columns: dict[str, dict[str, str]] = {}
    for table, name, *what in client.query("schema/columns", {"database": database}).rows:
        columns.setdefault(table, {})[name] = " ".join(filter(None, what))
    found = {}
    for name, *parts in client.query("schema/tables", {"database": database}).rows:
        texts = dict(zip(PARTS, parts, strict=True))
        for old, new in called.items():
            texts = {part: text.replace(old, new) for part, text in texts.items()}
        found[name] = Table(columns.get(name, {}), texts)
    return found


def differences(found: Mapping[str, Table], right: Mapping[str, Table], called: str) -> list[str]:
    """What is not as it should be, in words, each beginning with the table's name under `called`."""
    said: list[str] = []
    for name, table in right.items():
        if name not in found:
            said.append(f"{called}.{name} is missing")
        else:
            said += [f"{called}.{name}: {what}" for what in _different(found[name], table)]
    return said


def _different(found: Table, right: Table) -> Iterator[str]:
    said = False
    for what in _columns(found.columns, right.columns):
        said = True
        yield what
    for part in PARTS:
        if found.parts[part] != right.parts[part] and not (said and part in ("query", "definition")):
            said = True
            yield f"{part} is «{found.parts[part]}», should be «{right.parts[part]}»"


def _columns(found: Mapping[str, str], right: Mapping[str, str]) -> Iterator[str]:
    for name, what in right.items():
        if name not in found:
            yield f"column {name} is missing"
        elif found[name] != what:
            yield f"column {name} is {found[name]}, should be {what}"
    for name in found.keys() - right.keys():
        yield f"column {name} should not be there"
    if found.keys() == right.keys() and list(found) != list(right):
        yield "columns are in another order"
