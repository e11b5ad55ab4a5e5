"""Settings of `events` by which it costs less to insert and to merge, where the store has them.

They are no migration, as a store that knows nothing of them serves as well. So they are set after each: a store that was
brought up to date has them from the next one on. On a cluster all servers must know a setting, else none could be changed.
"""

from collections.abc import Mapping
from logging import getLogger

from clickhouse.client import Client
from clickhouse.cluster import shard_database
from pulse.errors import QueryError

TABLE = "events"
SETTINGS: Mapping[str, str] = {
    "string_serialization_version": "'single_stream'",
    "compute_exact_num_defaults_for_sparse_columns": "0",
}
"""Text lies in one stream, not its lengths in another; how often a column is empty is estimated. Columns that are empty throughout are
written all the same: ClickHouse can do without, but then fails to delete from such parts."""

log = getLogger(__name__)


def make(client: Client, cluster: str = "") -> None:
    """Set those that the store has, on all servers of a cluster if one is named. Raises Unavailable, QueryError."""
    known = known_of(client, cluster)
    if known:
        owner = client.within(shard_database(client.database)) if cluster else client
        owner.command(statement(known, cluster))


def statement(known: set[str], cluster: str = "") -> str:
    """What sets those that are known."""
    chosen = ", ".join(f"{name} = {value}" for name, value in SETTINGS.items() if name in known)
    everywhere = f" ON CLUSTER {cluster}" if cluster else ""
    return f"ALTER TABLE {TABLE}{everywhere} MODIFY SETTING {chosen}"


def known_of(client: Client, cluster: str) -> set[str]:
    """Which of them the store has: on a cluster, all of its servers. Raises Unavailable, QueryError."""
    names = {"names": list(SETTINGS)}
    if not cluster:
        return {row[0] for row in client.query("schema/known", names).rows}
    try:
        return {row[0] for row in client.query("schema/known_by_all", {**names, "cluster": cluster}).rows}
    except QueryError as error:
        log.warning("the servers of the cluster are not asked what makes storing cheaper: %s", error)
        return set()
