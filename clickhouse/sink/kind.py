"""What differs between the topics: the form of a line, the checks, the month of a row, the columns of the table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickhouse.sink.lines import Numbers
from clickhouse.sink.record import Record
from clickhouse.sink.stored import Stored

Flags = npt.NDArray[np.bool_]
Check = tuple[str, Callable[[pa.Table], pa.ChunkedArray]]
"""What is wrong with a row, in words, and which rows (nulls count as right) it is true of."""


@dataclass(frozen=True)
class Kind:
    """A topic and the table its records go to.

    `mark` names the row of places, growing along the topic's partition, that a record belongs to; `schema` is the form of a line; `checks` say what cannot be stored; `month` is the column of ms since the epoch
    by which the table is partitioned, None where it is not; `columns` makes the table's own columns of some rows
    (of `records`, to which `origin` points), and what else one block of it must hold.
    """

    topic: str
    table: str
    mark: Callable[[Record], str]
    schema: pa.Schema
    checks: tuple[Check, ...]
    month: str | None
    columns: Callable[[pa.Table, Numbers, Sequence[Record]], pa.Table]


def source(record: Record) -> str:
    """The partition of the raw log that a record was made of."""
    return f"{record.place.log}:{record.place.partition}"


def wrong(rows: pa.Table, checks: Sequence[Check]) -> dict[int, str]:
    """The rows that cannot be stored, each with the first reason why."""
    found: dict[int, str] = {}
    for why, check in checks:
        for number in np.flatnonzero(pc.fill_null(check(rows), False)):
            found.setdefault(int(number), why)
    return found


def is_missing(*names: str) -> Check:
    """The check that these columns are there."""

    def missing(rows: pa.Table) -> pa.ChunkedArray:
        flags = pc.is_null(rows[names[0]])
        for name in names[1:]:
            flags = pc.or_(flags, pc.is_null(rows[name]))
        return flags

    return f"{' or '.join(names)} is missing", missing


def is_outside(name: str, least: float, most: float) -> Check:
    """The check that a number lies within bounds."""

    def outside(rows: pa.Table) -> pa.ChunkedArray:
        return pc.or_(pc.less(rows[name], least), pc.greater(rows[name], most))

    return f"{name} is outside {least} to {most}", outside


def months(ms: Numbers) -> Numbers:
    """The months of times in ms since the epoch, as 202611."""
    since = ms.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    numbers: Numbers = (since // 12 + 1970) * 100 + since % 12 + 1
    return numbers


def place_columns(origin: Numbers, records: Sequence[Record]) -> dict[str, pa.Array]:
    """The columns that say which record of the raw log each row came from."""
    logs = sorted({record.place.log for record in records})
    log = np.array([logs.index(record.place.log) for record in records], np.int32)
    partition = np.array([record.place.partition for record in records], np.uint16)
    place = np.array([record.place.number for record in records], np.uint64)
    return {
        "_log": pa.DictionaryArray.from_arrays(pa.array(log[origin]), pa.array(logs, pa.string())),
        "_partition": pa.array(partition[origin]),
        "_place": pa.array(place[origin]),
    }


def unstored(kind: Kind, month: int, origin: Numbers, records: Sequence[Record], stored: Stored) -> Flags:
    """Which rows of one month lie beyond what is stored of it."""
    limits = np.array([stored.get((kind.table, month, kind.mark(record)), -1) for record in records], np.int64)
    places = np.array([record.place.number for record in records], np.int64)
    flags: Flags = (places > limits)[origin]
    return flags
