"""Up to where ClickHouse has what the topics hold: asked of the rows themselves, never remembered elsewhere."""

import time

from clickhouse.client import Client
from pulse.errors import Unavailable

Stored = dict[tuple[str, int, str], int]
"""Table, month (0 where there is none) and mark → the place up to which rows are stored."""

SUMS = ("metrics_minute", "ledger_minute")
"""Tables of sums, which keep the places applied in a row of their own."""
LOOK_AGAIN_S = 0.05


def read(client: Client) -> Stored:
    """What is stored in all tables; raises as Client.query does."""
    return {
        key: place for table in ("events", "events_rejected", *SUMS) for key, place in read_table(client, table).items()
    }


def read_table(client: Client, table: str) -> Stored:
    """What is stored in one table. It is little to read: a second thread costs more than it brings."""
    rows = client.query(f"stored/{table}", max_threads=1).rows
    if table in SUMS:
        return {(table, month, mark): place for month, applied in rows for mark, place in applied.items()}
    if table == "events_rejected":
        return {(table, 0, f"{stage}:{log}:{partition}"): place for stage, log, partition, place in rows}
    return {(table, month, f"{log}:{partition}"): place for month, log, partition, place in rows}


def queries_of(client: Client) -> str:
    """What the query ids of the inserts of all sinks of a database begin with."""
    return f"pulse-sink-{client.database}-"


def await_running(client: Client, prefix: str, most_s: float = 30) -> None:
    """Return when no insert that is running now, under a query id of this prefix, is running any more.

    A sink that was killed may have left one behind: what it stores must be seen before it is asked what is stored.
    Raises Unavailable if one goes on for more than `most_s` seconds.
    """
    deadline = time.monotonic() + most_s
    first = _running(client, prefix)
    while first & _running(client, prefix):
        if time.monotonic() > deadline:
            raise Unavailable("ClickHouse is still at an earlier insert")
        time.sleep(LOOK_AGAIN_S)


def _running(client: Client, prefix: str) -> set[str]:
    return {row[0] for row in client.query("stored/running", {"prefix": prefix}).rows}
