"""Which rows of a block the store refuses: found in a scratch table, by halves, so that nothing is stored by trying."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import numpy as np
import pyarrow as pa

from clickhouse.client import Client
from clickhouse.sink.lines import Numbers
from pulse.errors import QueryError

REFUSED = frozenset({6, 26, 27, 32, 33, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 376, 407, 467, 469})
"""Codes by which ClickHouse refuses what a row holds: unreadable, out of range, of the wrong type, against a constraint."""

MOST = 1_000
"""More rows than this are not bad rows but a bad table, and wait for it to be mended."""


def is_refusal(error: QueryError) -> bool:
    """Whether the fault is in the rows."""
    return error.code in REFUSED


def refused_rows(client: Client, table: str, rows: int, made: Callable[[Numbers], pa.Table]) -> dict[int, str]:
    """The numbers of the rows that `table` refuses, of `rows` that `made` makes into Arrow, with what it says of each.

    Raises QueryError if they are more than `MOST`, Unavailable.
    """
    found: dict[int, str] = {}
    with _scratch(client, table) as scratch:
        pending = [np.arange(rows)]
        while pending:
            numbers = pending.pop()
            error = _refusal(client, scratch, made(numbers))
            if error is None:
                continue
            if len(numbers) > 1:
                pending += np.array_split(numbers, 2)
                continue
            found[int(numbers[0])] = str(error)
            if len(found) > MOST:
                raise QueryError(f"more than {MOST} rows of a block are refused: {error}", error.code)
    return found


def _refusal(client: Client, table: str, rows: pa.Table) -> QueryError | None:
    try:
        client.insert(table, rows)
    except QueryError as error:
        if not is_refusal(error):
            raise
        return error
    return None


@contextmanager
def _scratch(client: Client, table: str) -> Iterator[str]:
    scratch = f"{table}_tried_{uuid4().hex[:8]}"
    client.command(f"CREATE TABLE {scratch} AS {table}")
    try:
        yield scratch
    finally:
        client.command(f"DROP TABLE IF EXISTS {scratch} SYNC")
