"""`pulse sql-user`: users of ClickHouse who see one site's rows and write nothing."""

import os
import re
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from pulse import started
from pulse.analyst import as_sql, as_xml, user
from pulse.analyst.rule import Limits, analytics_of
from pulse.command import situation
from pulse.command.store import Store
from pulse.errors import Conflict, NotFound, PulseError, SettingError, Unavailable
from pulse.event import SITE
from pulse.settings import Settings
from pulse.started import Started

sql_user = typer.Typer(
    help="Users of ClickHouse for analysts: each sees one site's rows and writes nothing.", no_args_is_help=True
)

Site = Annotated[str, typer.Argument(metavar="SITE", help="The site's id.")]

LOOK_S = 0.2
WITHIN_S = 60.0
NAMES = Path(__file__).with_name("sqluser_names.sql")


@sql_user.command()
def create(site: Site) -> None:
    """Make the user of a site and show its password, this once."""
    users = _users()
    name = user.name_of(_checked(site))
    if name in users.names():
        raise Conflict(f"{site} has a user already, {name}: `pulse sql-user drop {site}` ends it")
    users.store.demand_site(site, WITHIN_S)
    password = user.new_password()
    users.create(user.of_site(site, password))
    address = urlsplit(users.store.where)
    typer.echo(
        f"host      {address.hostname}\nport      {address.port}\nuser      {name}\npassword  {password}\ndatabase  {users.analytics}"
    )
    typer.echo("\nThe password is shown this once.")


@sql_user.command("list")
def list_users() -> None:
    """List the users and the site of each."""
    for name in sorted(_users().names()):
        typer.echo(f"{user.site_of(name)}\t{name}")


@sql_user.command()
def drop(site: Site) -> None:
    """End the user of a site."""
    users = _users()
    name = user.name_of(_checked(site))
    if name not in users.names():
        raise NotFound(f"{site} has no user")
    users.drop(name)
    typer.echo(f"{name} is dropped")


class InServer:
    """The users of a server that keeps them itself. Raises Unavailable and QueryError."""

    def __init__(self, store: Store, database: str, limits: Limits) -> None:
        self.store = store
        self.analytics = analytics_of(database)
        self._database = database
        self._limits = limits

    def names(self) -> set[str]:
        """The analysts."""
        found = self.store.rows(NAMES.read_text(encoding="utf-8"), WITHIN_S)
        return {str(name) for (name,) in found if user.site_of(str(name)) is not None}

    def create(self, made: user.User) -> None:
        """Make one."""
        self._run([as_sql.profile(self._limits), *as_sql.created(made, self._database, self.analytics)])

    def drop(self, name: str) -> None:
        """Take one away."""
        self._run(as_sql.dropped(name, self._database, self.analytics))

    def _run(self, statements: Iterable[str]) -> None:
        for statement in statements:
            b"".join(self.store.ask(statement, {}, "TSV", WITHIN_S))


class InFolder:
    """The users of the embedded server, which reads them when it starts: it is started anew, which takes a second or two.

    Meanwhile whoever stores or asks waits. Raises PulseError.
    """

    analytics = analytics_of("pulse")

    def __init__(self, store: Store, data: Path, running: Started) -> None:
        self.store = store
        self._folder = data / "clickhouse" / as_xml.FOLDER
        self._data = data
        self._running = running

    def names(self) -> set[str]:
        """The analysts."""
        return {file.stem for file in self._folder.glob("*.xml") if user.site_of(file.stem) is not None}

    def create(self, made: user.User) -> None:
        """Make one."""
        text = as_xml.alone(made, "pulse", self.analytics)
        file = self._folder / as_xml.name_of_file(made.name)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)
        self._begin_anew()

    def drop(self, name: str) -> None:
        """Take one away."""
        (self._folder / as_xml.name_of_file(name)).unlink(missing_ok=True)
        self._begin_anew()

    def _begin_anew(self) -> None:
        before = self._running.processes["ClickHouse"]
        if started.is_running(before):
            os.kill(before.pid, signal.SIGTERM)
        deadline = time.monotonic() + WITHIN_S
        while not self._is_new(before) and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        if not self._is_new(before):
            raise Unavailable(f"ClickHouse does not answer again within {WITHIN_S:.0f} s; `pulse status` tells more")

    def _is_new(self, before: started.Process) -> bool:
        now = started.read(self._data)
        if now is None or now.processes.get("ClickHouse", before) == before:
            return False
        try:
            self.store.rows("SELECT 1", LOOK_S * 10)
        except PulseError:
            return False
        return True


def _users() -> InServer | InFolder:
    at = situation.settings()
    url = at.clickhouse_url.get_secret_value()
    store = Store(url)
    running = started.read(at.data)
    if running and running.services.get("clickhouse") == "embedded":
        return InFolder(store, at.data, running)
    if at.clickhouse_cluster:
        raise SettingError("PULSE_CLICKHOUSE_CLUSTER: users for analysts are not made on a cluster")
    return InServer(store, urlsplit(url).path.strip("/") or "pulse", _limits(at))


def _limits(at: Settings) -> Limits:
    return Limits(at.query_seconds, at.query_mb, at.query_rows)


def _checked(site: str) -> str:
    if re.fullmatch(SITE, site) is None:
        raise NotFound(f"there is no site {site!r}")
    return site
