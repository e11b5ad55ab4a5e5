"""Attempts, written into the store of events for analysts: each at least once, and shown once."""

from collections.abc import Sequence

import pyarrow as pa

from api.control.tried import MOST, Attempts, Tried
from clickhouse.client import Client

TABLE = "webhook_deliveries"
MOMENT = pa.timestamp("ms", "UTC")


class Mirror:
    """Tells the store of attempts. `tell` blocks; it may be called again at any time."""

    def __init__(self, attempts: Attempts, client: Client) -> None:
        self._attempts, self._client = attempts, client

    def tell(self) -> int:
        """Tell what is untold; how much that was. Raises Unavailable, QueryError, and then tells it again the next time."""
        told, found = 0, self._attempts.untold()
        while found:
            self._client.insert(TABLE, rows_of(found))
            self._attempts.told(found)
            told += len(found)
            found = self._attempts.untold() if len(found) == MOST else ()
        return told


def rows_of(tried: Sequence[Tried]) -> pa.Table:
    """The rows of attempts."""
    columns = Tried(*map(list, zip(*tried, strict=True)))  # type: ignore[arg-type]
    return pa.table(
        {
            "site_id": pa.array(columns.site),
            "at": pa.array(columns.at, MOMENT),
            "delivery_id": pa.array(columns.delivery),
            "attempt": pa.array(columns.attempt, pa.uint32()),
            "endpoint_id": pa.array(columns.endpoint),
            "notice_id": pa.array(columns.notice),
            "kind": pa.array(columns.kind),
            "verdict": pa.array(columns.verdict),
            "status": pa.array(columns.status, pa.uint16()),
            "ms": pa.array(columns.ms, pa.uint32()),
            "error": pa.array(columns.error),
        }
    )
