"""The database of the control plane: SQLite in WAL mode, or PostgreSQL."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Executable, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from api.control.model import AlertRule, ApiKey, CohortRecord, Site
from pulse.errors import Conflict, Unavailable

KNOWN = (Site, ApiKey, AlertRule, CohortRecord)
"""What is made known by `pulse.config`."""
BUSY_MS = 5_000
CONNECT_S = 3
LOST = {"tcp_user_timeout": 10_000, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}
"""By which a PostgreSQL that is gone without a word is noticed in 20 seconds; the system's own patience is a quarter of an hour."""

Announce = Callable[[str], None]
"""Told the name of each record after it was saved (`site:ID`, `key:ID`, `rule:ID`, …); must neither raise nor wait."""


class Database:
    """Transactions on one database; nothing is sent before the first."""

    def __init__(self, url: str, announce: Announce | None = None) -> None:
        self._announce = announce
        self.engine = engine(url)
        self._writing = self.engine.execution_options(writes=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads. Raises Unavailable."""
        with _named(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    def row(self, statement: Executable, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """The row that a statement finds, None if there is none; it costs a third of a transaction that reads records. Raises Unavailable."""
        with _named(), self.engine.connect() as connection:
            found = connection.execute(statement, given).mappings().one_or_none()
        return None if found is None else dict(found)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is committed unless it raises. Raises Unavailable, and Conflict where a rule of the tables is broken."""
        saved: set[str] = set()
        with _named(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            event.listen(session, "after_flush", lambda flushed, _: saved.update(_names(flushed)))
            yield session
        if self._announce is not None:
            for name in sorted(saved):
                self._announce(name)

    def close(self) -> None:
        """Give back the connections."""
        self.engine.dispose()


def engine(url: str) -> Engine:
    """An engine for an address such as `sqlite:////data/pulse.db` or `postgresql://user:password@host/pulse`."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        made = create_engine(address, connect_args={"timeout": BUSY_MS / 1000})
        event.listen(made, "connect", _prepare)
        event.listen(made, "begin", _begin)
        return made
    if address.drivername in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+psycopg")
    return create_engine(address, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_S, **LOST})


def make_folder(url: str) -> None:
    """Make the folder of a SQLite file, and the file readable by its owner alone."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and address.database:
        file = Path(address.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)


def _names(session: Session) -> Iterator[str]:
    return (record.record_name() for record in (*session.new, *session.dirty) if isinstance(record, KNOWN))


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # begun by _begin: the driver's own way cannot take the write lock first
    _use_wal(connection)
    connection.execute("PRAGMA foreign_keys = ON")


@retry(
    retry=retry_if_exception_type(sqlite3.OperationalError),
    stop=stop_after_delay(BUSY_MS / 1000),
    wait=wait_fixed(0.02),
    reraise=True,
)
def _use_wal(connection: sqlite3.Connection) -> None:
    """Have a file keep a write-ahead log. SQLite's own patience does not cover this when two open a new file at once."""
    connection.execute("PRAGMA journal_mode = WAL")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise Conflict("a record of this id exists already, or one that it names does not exist") from None
    except StaleDataError:
        raise Conflict("the record was changed by somebody else at the same time; read it again") from None
    except DBAPIError as error:
        raise Unavailable(f"the database of sites and keys does not answer: {error.orig}") from None
    except PoolTimeoutError:
        raise Unavailable("the database of sites and keys is too busy") from None
