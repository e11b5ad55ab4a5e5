"""The view that writes the rows of all saved funnels; its comment names their builds.

It is never changed: a new one that writes for all of them is made, and older ones go once it does their work. While both
are there they write the same rows. A view is dropped only by who has made a newer one, so no two can drop each other's.
"""

from collections.abc import Callable, Sequence

from clickhouse.client import Client
from clickhouse.funnels.entry import LONG, Entry, statement
from clickhouse.sink import stored

VIEW = "funnel_view_"
LONGEST_S = 120


def renew(client: Client, entries: Sequence[Entry], alive: Callable[[], set[int]]) -> None:
    """Have these builds written from now on; when it returns, no insert is at work that began without them.

    `alive` tells which builds there are once that is so: views of others go. Raises QueryError, Unavailable.
    """
    made = f"{VIEW}{_now(client):020}"
    if entries:
        _make(client, made, entries)
    stored.await_running(client, stored.queries_of(client), LONGEST_S)
    own, wanted = {entry.build for entry in entries}, alive()
    for name, comment in client.query("funnels/views").rows:
        builds = set(map(int, str(comment).split()))
        if str(name) < made and builds & wanted <= own:
            client.command(f"DROP TABLE IF EXISTS {name} SYNC")


def _make(client: Client, name: str, entries: Sequence[Entry]) -> None:
    text, bound = statement(entries)
    builds = " ".join(str(entry.build) for entry in entries)
    client.command(f"CREATE MATERIALIZED VIEW {name} TO funnel_steps AS\n{text}\nCOMMENT '{builds}'", bound, **LONG)


def _now(client: Client) -> int:
    """In ns by the store's own clock: a view's name tells its age, whoever makes it."""
    return int(client.query("funnels/now").rows[0][0])
