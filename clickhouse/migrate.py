"""Migrations: `python -m clickhouse.migrate` applies what is missing, `… verify` says whether the schema is still theirs.

They are numbered .sql files, each applied once and never changed. Every statement may be repeated (IF NOT EXISTS), so
that a run which was cut short is finished by the next.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from logging import getLogger
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from tenacity import RetryCallState, retry, retry_if_exception_type, stop_after_delay, wait_exponential

from clickhouse import lean, people
from clickhouse.analyst_user import make_route
from clickhouse.client import Client, connect
from clickhouse.cluster import databases, shard_database, shards_of, steps
from clickhouse.schema import differences, tables_of
from pulse import log as logging
from pulse.analyst.rule import Limits, analytics_of
from pulse.errors import PulseError, SchemaError, SettingError, Unavailable
from pulse.settings import Settings, load

FOLDER = Path(__file__).parent / "migrations"
PATIENCE_S = 60
log = getLogger(__name__)

TABLE = """
CREATE TABLE IF NOT EXISTS migrations
(
    name       String COMMENT 'The migration''s file.',
    checksum   String COMMENT 'SHA-256 of what it contained.',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was applied.'
)
ENGINE = MergeTree
ORDER BY name
COMMENT 'Which migrations have been applied.'
"""


class Migration(NamedTuple):
    """A file of statements, its name and what tells whether it has been changed."""

    name: str
    checksum: str
    statements: tuple[str, ...]


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """The migrations in a folder, in their order."""
    return [read(path) for path in sorted(folder.glob("[0-9]*.sql"))]


def read(path: Path) -> Migration:
    """A migration from its file; statements end with a semicolon at the end of a line."""
    text = path.read_text(encoding="utf-8")
    statements = tuple(part.strip() for part in text.rstrip().removesuffix(";").split(";\n"))
    return Migration(path.stem, sha256(text.encode()).hexdigest(), statements)


def migrate(client: Client, folder: Path = FOLDER, cluster: str = "") -> list[str]:
    """Make the database what the migrations say, on all servers of a cluster if one is named; the names of those applied now.

    Which have been applied is kept by the server that is asked alone. Raises SchemaError if an applied one has changed
    since, Unavailable, QueryError.
    """
    for database, statement in databases(cluster, client.database).items():
        client.within(None).command(statement, {"database": database})
    client.command(TABLE)
    wanted, applied = migrations(folder), _applied(client)
    _raise_any(_changed(wanted, applied))
    missing = [migration for migration in wanted if migration.name not in applied]
    for migration in missing:
        _apply(client, migration, cluster)
        client.command(
            "INSERT INTO migrations (name, checksum) VALUES ({name:String}, {checksum:String})",
            {"name": migration.name, "checksum": migration.checksum},
        )
    lean.make(client, cluster)
    people.make(client, cluster)
    return [migration.name for migration in missing]


def verify(client: Client, folder: Path = FOLDER) -> None:
    """Compare the schema with what the migrations make in a database of their own.

    Raises SchemaError naming everything that differs, Unavailable, QueryError.
    """
    wanted, applied = migrations(folder), _applied(client)
    said = _changed(wanted, applied)
    said += [
        f"migration {migration.name} has not been applied" for migration in wanted if migration.name not in applied
    ]
    _raise_any(said)
    with _scratch(client) as scratch:
        for migration in wanted:
            _apply(scratch, migration)
        lean.make(scratch)
        people.make(scratch)
        called = dict(zip(_databases(scratch), _databases(client), strict=True))
        for other, own in called.items():
            said += differences(tables_of(client, own, {}), tables_of(scratch, other, called), own)
    _raise_any(said)


def _databases(client: Client) -> tuple[str, str]:
    return analytics_of(client.database), client.database


def _apply(client: Client, migration: Migration, cluster: str = "") -> None:
    shard = client.within(shard_database(client.database))
    for statement in migration.statements:
        for step in steps(statement, cluster, client.database):
            (shard if step.is_local else client).command(step.statement, {"analytics": analytics_of(client.database)})


def _applied(client: Client) -> dict[str, str]:
    if not client.command("EXISTS TABLE migrations"):
        return {}
    return {row[0]: row[1] for row in client.query("schema/applied").rows}


def _changed(wanted: list[Migration], applied: dict[str, str]) -> list[str]:
    known = {migration.name for migration in wanted}
    changed = [m.name for m in wanted if applied.get(m.name, m.checksum) != m.checksum]
    return [f"migration {name} has been changed since it was applied" for name in changed] + [
        f"migration {name} was applied, but has no file" for name in applied if name not in known
    ]


def _raise_any(said: list[str]) -> None:
    if said:
        raise SchemaError("; ".join(said))


@contextmanager
def _scratch(client: Client) -> Iterator[Client]:
    scratch = client.within(f"{client.database}_verify_{uuid4().hex[:8]}")
    client.command("CREATE DATABASE {database:Identifier}", {"database": scratch.database})
    try:
        yield scratch
    finally:
        for database in reversed(_databases(scratch)):  # the dictionary in the latter reads a view of the former
            client.command("DROP DATABASE IF EXISTS {database:Identifier} SYNC", {"database": database})


def _let_in(client: Client, settings: Settings) -> None:
    """Have the query API's own user for SQL, where the server takes users; a cluster's would have to be its shards' too."""
    secret = settings.secret.get_secret_value().encode()
    if secret and not settings.clickhouse_cluster:
        limits = Limits(settings.query_seconds, settings.query_mb, settings.query_rows)
        said = make_route(client, secret, limits)
        if said:
            log.warning("%s", said)


def _say_waiting(state: RetryCallState) -> None:
    if state.outcome is not None:
        log.warning("%s; trying again", state.outcome.exception())


def main(arguments: list[str]) -> int:
    """Migrate, or verify if that is the argument; what is wrong goes to standard error."""
    try:
        settings = load()
        logging.configure(settings.log_level)
        patiently = retry(
            retry=retry_if_exception_type(Unavailable),
            wait=wait_exponential(0.25, max=5),
            stop=stop_after_delay(PATIENCE_S),
            before_sleep=_say_waiting,
            reraise=True,
        )
        shards_of(settings)
        client, cluster = connect(settings), settings.clickhouse_cluster
        if arguments not in ([], ["verify"]):
            raise SettingError(f"{' '.join(arguments)}: the only argument there is is `verify`")
        if arguments == ["verify"] and cluster:
            raise SettingError("verify compares the tables of one server: unset PULSE_CLICKHOUSE_CLUSTER")
        if arguments == ["verify"]:
            patiently(verify)(client)
            log.info("the schema of %s is that of the migrations", client.database)
        else:
            log.info("migrated %s", client.database, extra={"applied": patiently(migrate)(client, cluster=cluster)})
            _let_in(client, settings)
    except PulseError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
