"""The tables on a ClickHouse cluster: what each statement of a migration becomes there.

Every shard keeps its rows in a database of its own, with the tables of the migrations under their own names; the sink
writes there. The database that everything else asks holds Distributed tables over them, under the same names. So no
query of Pulse knows whether there is a cluster.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from clickhouse.client import Client, database_of
from pulse.errors import SettingError
from pulse.settings import Settings

NAME = re.compile(r"^[A-Za-z_]\w*$")

_CREATE = re.compile(
    r"^(?P<head>CREATE (?:OR REPLACE )?(?P<kind>TABLE|MATERIALIZED VIEW|VIEW|DATABASE)(?: IF NOT EXISTS)?"
    r" (?P<name>\{\w+:Identifier\}(?:\.\w+)?|\w+))",
    re.MULTILINE,
)
_CHANGE = re.compile(
    r"^(?P<head>(?P<verb>ALTER|DROP|RENAME|OPTIMIZE|TRUNCATE) TABLE(?: IF EXISTS)? (?P<name>\w+))", re.MULTILINE
)
_FILL = re.compile(r"^INSERT INTO (?P<target>\w+) \(.*\bFROM events\b", re.MULTILINE | re.DOTALL)
_ENGINE = re.compile(r"\bENGINE = (\w*MergeTree)\b")
_LOCAL = ("TABLE", "MATERIALIZED VIEW")
_SHARED_OUT = {
    "cohort_members": "sipHash64(site_id, cohort, who)",
    "identity_corrections": "sipHash64(site_id, visitor_id, user_id)",
    "webhook_deliveries": "sipHash64(site_id, delivery_id)",
}
"""The tables that are written as a whole, by what is asked over HTTP and by deliveries: a row and what replaces it belong on one shard."""


class Step(NamedTuple):
    """A statement as it is run, and whether it is one for the shards' own database."""

    statement: str
    is_local: bool


def shard_database(database: str) -> str:
    """The database in which every shard keeps its own rows."""
    return f"{database}_shard"


def shards_of(settings: Settings) -> list[str]:
    """The addresses of the servers that the sink writes to, by the numbers of their shards; one if there is no cluster.

    Raises SettingError where the settings contradict each other.
    """
    whole = settings.clickhouse_url.get_secret_value()
    given = [url.strip() for url in settings.clickhouse_shards.get_secret_value().split(",") if url.strip()]
    if bool(given) != bool(settings.clickhouse_cluster):
        raise SettingError(
            "PULSE_CLICKHOUSE_CLUSTER and PULSE_CLICKHOUSE_SHARDS go together: the cluster's name, and a server of each of its shards"
        )
    if settings.clickhouse_cluster and not NAME.match(settings.clickhouse_cluster):
        raise SettingError(
            f"PULSE_CLICKHOUSE_CLUSTER: {settings.clickhouse_cluster!r} is no name of letters, digits and underscores"
        )
    return given or [whole]


def steps(statement: str, cluster: str, database: str) -> list[Step]:
    """What a migration's statement becomes on a cluster; itself where there is none.

    A table is made on every server, replicated within its shard, and a Distributed table over it; a materialized view
    feeds on the rows of its own shard; views stand on the Distributed tables. Raises ValueError for what it does not know.
    """
    if not cluster:
        return [Step(statement, False)]
    made = _CREATE.search(statement)
    if made is not None:
        everywhere = _on_cluster(statement, made["head"], cluster)
        if made["kind"] not in _LOCAL:
            return [Step(everywhere, False)]
        local = Step(_replicated(everywhere), True)
        return (
            [local] if made["kind"] != "TABLE" else [local, Step(_distributed(made["name"], cluster, database), False)]
        )
    changed = _CHANGE.search(statement)
    if changed is not None:
        return _changed(statement, changed, cluster, database)
    filled = _FILL.search(statement)
    if filled is not None:
        return [Step(_of_all_shards(statement, filled, database), True)]
    raise ValueError(f"a migration that is not known how to run on a cluster: {statement[:80]}")


def _changed(statement: str, found: re.Match[str], cluster: str, database: str) -> list[Step]:
    """The Distributed table is made anew: it holds nothing, and so has the columns that the table has now."""
    own = Step(_on_cluster(statement, found["head"], cluster), True)
    name = found["name"]
    again = _distributed(name, cluster, database).replace("CREATE TABLE IF NOT EXISTS", "CREATE OR REPLACE TABLE")
    if found["verb"] == "DROP":
        return [Step(f"DROP TABLE IF EXISTS {name} ON CLUSTER {cluster} SYNC", False), own]
    if found["verb"] == "RENAME":
        raise ValueError(f"tables are not renamed on a cluster: {statement[:80]}")
    return [own, Step(again, False)] if found["verb"] == "ALTER" else [own]


def _of_all_shards(statement: str, found: re.Match[str], database: str) -> str:
    """What is made of the events of all shards lies on the one that is asked: of such a table all shards are asked together.

    So they are of what is there of it already.
    """
    return re.sub(rf"\bFROM (events|{found['target']})\b", rf"FROM {database}.\1", statement)


def _on_cluster(statement: str, head: str, cluster: str) -> str:
    return statement.replace(head, f"{head} ON CLUSTER {cluster}", 1)


def _replicated(statement: str) -> str:
    """Replicated tables find their place in Keeper by their own id, and repetitions by another setting."""
    made = _ENGINE.sub(lambda found: f"ENGINE = Replicated{found[1]}", statement)
    return made.replace("non_replicated_deduplication_window", "replicated_deduplication_window")


def _distributed(name: str, cluster: str, database: str) -> str:
    """Few are inserted through: of most tables the sink alone knows which shard a row belongs to."""
    shard = shard_database(database)
    over = ", ".join(filter(None, (cluster, shard, name, _SHARED_OUT.get(name))))
    return f"CREATE TABLE IF NOT EXISTS {name} ON CLUSTER {cluster} AS {shard}.{name}\nENGINE = Distributed({over})"


def databases(cluster: str, database: str) -> Mapping[str, str]:
    """The databases to be made before the first statement: what they are called, and the statement."""
    if not cluster:
        return {database: "CREATE DATABASE IF NOT EXISTS {database:Identifier}"}
    return dict.fromkeys(
        (database, shard_database(database)),
        f"CREATE DATABASE IF NOT EXISTS {{database:Identifier}} ON CLUSTER {cluster}",
    )


def connect_shards(settings: Settings) -> list[Client]:
    """A client of each shard's own database; of the one database where there is no cluster. Raises SettingError."""
    urls = shards_of(settings)
    if not settings.clickhouse_cluster:
        return [Client(url) for url in urls]
    return [Client(url, shard_database(database_of(url))) for url in urls]
