"""ClickHouse over HTTP: questions from .sql files with bound parameters, and blocks of Arrow to insert.

The only module that knows the driver. Every failure is one of two: the store does not answer
(Unavailable, trying again later is right), or it refuses the very request (QueryError).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache
from logging import getLogger
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client as Driver
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_connect.driver.query import QueryResult
from urllib3.exceptions import HTTPError

from pulse import address
from pulse.errors import PulseError, QueryError, Unavailable
from pulse.settings import Settings

for _name in ("clickhouse_connect", "urllib3"):
    getLogger(_name).setLevel("ERROR")

QUERIES = Path(__file__).parent / "queries"
CONNECT_SECONDS = 5
ANSWER_SECONDS = 60
STREAMED_BYTES = 8 << 20

BUSY = frozenset({159, 202, 203, 209, 210, 236, 241, 242, 243, 252, 279, 319, 394, 425, 999})
"""Codes of a store that cannot just now: timeouts, too many queries or parts, no memory, no disk, shutting down."""

UNREADABLE = frozenset({36, 427, 447})
"""Codes of a regular expression that is none, or would be too slow."""
ONE_PART = {
    "async_insert": 0,
    "distributed_foreground_insert": 1,
    "insert_deduplicate": 1,
    "optimize_on_insert": 0,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_insert_block_size": 10_000_000,
    "min_insert_block_size_rows": 10_000_000,
    "min_insert_block_size_bytes": 1 << 40,
    "max_insert_threads": 1,
}
"""Settings by which one insert is one block, one part, and the same token is stored once."""

ONE_MOMENT: dict[str, object] = {"enable_shared_storage_snapshot_in_query": 1}
"""By which a statement reads a table as it is at one moment, however often it names it."""


def _whole(found: QueryResult) -> Sequence[Sequence[Any]]:
    """The rows of an answer; raises Unavailable where ClickHouse counted more than came.

    It gathers an answer on its disk, and where that is full sends what it has of it, nothing perhaps, as if it was all.
    """
    rows: Sequence[Sequence[Any]] = found.result_rows
    counted = int((found.summary or {}).get("result_rows", 0))
    if len(rows) < counted:
        raise Unavailable(
            f"ClickHouse answered {len(rows)} of {counted} rows: there may be not enough space on its disk"
        )
    return rows


class Answer(NamedTuple):
    """What a question brought: its rows, how many the store read for them, and how long it took."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    rows_read: int
    ms: float


class Lines(NamedTuple):
    """Lines of JSON that a question reads as a table; `structure` names its columns and their types."""

    table: str
    structure: str
    value: bytes


class Client:
    """A connection pool to one database, made at first use; may be shared by threads.

    Raises SettingError for an address that cannot be read, and quotes nothing of it.
    """

    def __init__(self, url: str, database: str | None = None, answer_seconds: int = ANSWER_SECONDS) -> None:
        address.demand("PULSE_CLICKHOUSE_URL", url)
        self.database = database or database_of(url)
        self._url = url
        self._seconds = answer_seconds
        self._driver: Driver | None = None
        self._is_of_one_moment: bool | None = None
        self._closed = 0
        self._lock = Lock()
        self._connecting = Lock()

    @property
    def account(self) -> tuple[str, str]:
        """The user and the password that it presents itself with."""
        parts = urlsplit(self._url)
        return unquote(parts.username or "default"), unquote(parts.password or "")

    def query(self, name: str | Path, parameters: Mapping[str, object] | None = None, **settings: object) -> Answer:
        """Ask the question in `queries/{name}.sql` (or in the file at a path), its `{name:Type}` bound to `parameters`.

        Raises Unavailable and QueryError.
        """
        return self.ask(text_of(name), parameters, **settings)

    def ask(self, statement: str, parameters: Mapping[str, object] | None = None, **settings: object) -> Answer:
        """As `query`, of a statement that was made of such files. Nothing of who asks stands in it but as parameters."""
        began = perf_counter()
        try:
            found = self._connected().query(statement, parameters=dict(parameters or {}), settings=dict(settings))
            rows = _whole(found)
        except ClickHouseError as error:
            raise self._cause_here(getattr(error, "code", None), str(error)) or _cause(error) from None
        read = int((found.summary or {}).get("read_rows", 0))
        return Answer(tuple(found.column_names), rows, read, (perf_counter() - began) * 1000)

    def known(self, settings: Mapping[str, object]) -> dict[str, object]:
        """Those of some settings that this ClickHouse has: for what makes an answer faster, and no other. Raises as `query`."""
        try:
            return {name: value for name, value in settings.items() if name in self._connected().server_settings}
        except ClickHouseError as error:
            raise _cause(error) from None

    def sees_one_moment(self) -> bool:
        """Whether a statement with `ONE_MOMENT` reads each table of events as it is at one moment: in a store of one server. Raises as `query`."""
        if self._is_of_one_moment is None:
            shared_out = self.query("schema/shared_out", {"database": self.database}).rows[0][0]
            self._is_of_one_moment = not shared_out and self.known(ONE_MOMENT) == ONE_MOMENT
        return self._is_of_one_moment

    def among(self, name: str | Path, lines: Lines, **settings: object) -> Answer:
        """As `query`, of a file that also reads lines sent along with it."""
        sent = ExternalData(file_name=lines.table, data=lines.value, fmt="JSONEachRow", structure=lines.structure)
        began = perf_counter()
        try:
            found = self._connected().query(text_of(name), settings=dict(settings), external_data=sent)
            rows = _whole(found)
        except ClickHouseError as error:
            raise _cause(error) from None
        read = int((found.summary or {}).get("read_rows", 0))
        return Answer(tuple(found.column_names), rows, read, (perf_counter() - began) * 1000)

    def stream(self, name: str | Path, parameters: Mapping[str, object], row_bytes: int) -> Iterator[bytes]:
        """The answer's rows of a fixed size as they come, many at a time, in ClickHouse's RowBinary. Raises as `query` does."""
        try:
            with closing(
                self._connected().raw_stream(text_of(name), parameters=dict(parameters), fmt="RowBinary")
            ) as answer:
                rest = b""
                while piece := answer.read(STREAMED_BYTES):
                    rest += piece
                    whole = len(rest) - len(rest) % row_bytes
                    yield rest[:whole]
                    rest = rest[whole:]
        except ClickHouseError as error:
            raise _cause(error) from None
        except (HTTPError, OSError) as error:
            raise Unavailable(f"ClickHouse does not answer: {_root_of(error)}") from None

    def tables(self, name: str | Path, parameters: Mapping[str, object], **settings: object) -> Iterator[pa.Table]:
        """The answer as Arrow, block by block as ClickHouse makes them. Raises as `query` does."""
        try:
            with self._connected().query_arrow_stream(
                text_of(name), parameters=dict(parameters), settings=dict(settings)
            ) as blocks:
                for block in blocks:
                    yield pa.Table.from_batches([block])
        except ClickHouseError as error:
            raise _cause(error) from None
        except (HTTPError, OSError) as error:
            raise Unavailable(f"ClickHouse does not answer: {_root_of(error)}") from None

    def command(self, statement: str, parameters: Mapping[str, object] | None = None, **settings: object) -> object:
        """Run a statement that is written in the code, such as DDL; its value where it has one. Raises as `query` does."""
        try:
            return self._connected().command(statement, parameters=dict(parameters or {}), settings=dict(settings))
        except ClickHouseError as error:
            raise _cause(error) from None

    def insert(
        self,
        table: str,
        rows: pa.Table,
        token: str = "",
        query_id: str = "",
        demand: Callable[[], None] | None = None,
    ) -> None:
        """Store an Arrow table as one block; the same `token` again changes nothing. Raises as `query` does.

        All rows must lie in one partition of the target. Without a token every call stores its rows. `demand` is
        called when the store has the query among its running ones and half of the block: what it raises keeps all of it
        from being stored. Such a block is never sent again unasked, as the driver does where a connection was closed.
        """
        settings: dict[str, object] = {**ONE_PART, "insert_deduplication_token": token or uuid4().hex}
        if query_id:
            settings["query_id"] = query_id
        block = stream_of(rows)
        if demand is not None:
            settings["max_query_size"] = _longest_insert(table, rows.column_names)
        sent = block if demand is None else _held_back(block, demand)
        try:
            self._connected().raw_insert(
                table, column_names=rows.column_names, insert_block=sent, fmt="ArrowStream", settings=settings
            )
        except ClickHouseError as error:
            raise _cause(error) from None

    def within(self, database: str | None) -> "Client":
        """A client of another database of the same store; of the store's default one if None."""
        return Client(self._url, database or "default", self._seconds)

    def ping(self) -> None:
        """Raise Unavailable unless the store answers a query."""
        self.command("SELECT 1")

    def close(self) -> None:
        """Give back the connections, and wait for none that is being made."""
        with self._lock:
            driver, self._driver = self._driver, None
            self._closed += 1
        if driver is not None:
            driver.close()

    def _cause_here(self, code: int | None, message: str) -> PulseError | None:
        """What a refusal means to this very client, where that is more than to any."""
        return None

    def _connected(self) -> Driver:
        if (driver := self._driver) is not None:
            return driver
        with self._connecting:
            with self._lock:
                if self._driver is not None:
                    return self._driver
                closed = self._closed
            made = self._made()
            with self._lock:
                if closed == self._closed:
                    self._driver = made
                    return made
        made.close()
        raise Unavailable("ClickHouse was not asked any more: its connections were given back")

    def _made(self) -> Driver:
        """A connection pool, once ClickHouse has answered: one that hangs takes as long as an answer may."""
        return clickhouse_connect.get_client(
            dsn=self._url,
            database=self.database,
            autogenerate_session_id=False,
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=self._seconds,
            compress=False,
            dedicated_pool=True,
            client_name="pulse",
        )


def connect(settings: Settings, database: str | None = None) -> Client:
    """A client of the store that the settings name; nothing is sent before the first question."""
    patience = max(ANSWER_SECONDS, settings.query_seconds + CONNECT_SECONDS)
    return Client(settings.clickhouse_url.get_secret_value(), database, patience)


def database_of(url: str) -> str:
    """The database that an address names, `pulse` if it names none."""
    return urlsplit(url).path.strip("/") or "pulse"


@cache
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def text_of(name: str | Path) -> str:
    """The text of a query's file, read once."""
    return _read(name if isinstance(name, Path) else QUERIES / f"{name}.sql")


def stream_of(rows: pa.Table) -> bytes:
    """A table as an Arrow stream of a single batch: the store pays for each batch, hardly for its rows.

    Columns without nulls say so: the store takes those at a third of what it costs to look for nulls in the others.
    """
    whole = rows.unify_dictionaries().combine_chunks()
    fields = [f.with_nullable(whole[f.name].null_count > 0) for f in whole.schema]
    whole = pa.table(whole.columns, schema=pa.schema(fields))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, whole.schema) as stream:
        stream.write_table(whole, max_chunksize=max(whole.num_rows, 1))
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _held_back(block: bytes, demand: Callable[[], None]) -> Iterator[memoryview]:
    """A block in two pieces, of which none is copied: what is demanded is demanded between them."""
    whole, half = memoryview(block), len(block) // 2
    yield whole[:half]
    demand()
    yield whole[half:]


def _longest_insert(table: str, columns: Sequence[str]) -> int:
    """How long the statement of an insert may be. ClickHouse reads so much of a request before it begins, if it is to be had."""
    return len("INSERT INTO  () FORMAT ArrowStream") + len(table) + sum(len(name) + len("``, ") for name in columns)


def _cause(error: ClickHouseError) -> Unavailable | QueryError:
    code = getattr(error, "code", None)
    if code is None:
        return Unavailable(f"ClickHouse does not answer: {_root_of(error)}")
    message = _short(str(error))
    if code in UNREADABLE and (fault := _fault_of_pattern(message)):
        return QueryError(f"filter: a regular expression cannot be used: {fault}")
    if code in BUSY:
        return Unavailable(f"ClickHouse cannot just now ({code}): {message}")
    return QueryError(f"ClickHouse refused ({code}): {message}", code)


def _fault_of_pattern(message: str) -> str:
    if "hyperscan" in message or "vectorscan" in message:
        return "it would be too slow; use smaller repetitions"
    named = re.match(r"(Pattern '.*' failed with error '.*?'): while executing", message, re.DOTALL)
    return named[1] if named else ""


def _root_of(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return _short(str(getattr(error, "reason", error)))


def _short(message: str) -> str:
    text = message.split("DB::Exception:", 1)[-1].split("Stack trace:", 1)[0].split(" (version ", 1)[0]
    return " ".join(text.split())[:500].strip()
