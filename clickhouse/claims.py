"""Who was named as the person behind a visitor, and what was decided about it."""

from typing import Literal, NamedTuple

import pyarrow as pa

from clickhouse.client import Client
from pulse.clock import to_ms

State = Literal["linked", "later", "unlinked"]
"""`linked` is who is behind the visitor; `later` was named after that; `unlinked` does not count."""


class Claim(NamedTuple):
    """That a person is behind a visitor, as an event said first: its time in ms, its id and its name."""

    visitor_id: str
    user_id: str
    since: int
    event_id: str
    event: str
    state: State


def claims(client: Client, site_id: str, visitor_id: str, user_id: str, limit: int) -> list[Claim]:
    """At most so many of a visitor, or of all visitors for which a person was named. Raises as `query` does."""
    asked = {"site": site_id, "visitor": visitor_id, "user": user_id, "limit": limit}
    rows = client.query("people/claims", asked).rows
    return [Claim(row[0], row[1], to_ms(row[2]), str(row[3]), row[4], row[5]) for row in rows]


def correct(client: Client, site_id: str, visitor_id: str, user_id: str, unlinked: bool, now: int) -> None:
    """Have a person, or with an empty id any, not count behind a visitor, or count again; the last word counts. Raises as the client does."""
    table = pa.table(
        {
            "site_id": pa.array([site_id], pa.string()),
            "visitor_id": pa.array([visitor_id], pa.string()),
            "user_id": pa.array([user_id], pa.string()),
            "unlinked": pa.array([unlinked], pa.bool_()),
            "changed": pa.array([now], pa.timestamp("ms", "UTC")),
        }
    )
    client.insert("identity_corrections", table)
