"""NDJSON records to one Arrow table, with what each row came from and the lines that are not rows."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.json as arrow_json

from clickhouse.sink.record import Record, lines_in, lines_of

Numbers = npt.NDArray[np.int64]

CHUNK_BYTES = 1 << 22
"""What is read at once: less pays for beginning, more for memory that no cache holds any longer."""

_occurring: dict[pa.Schema, set[str]] = {}
"""Of each form, the fields that lines have had since the process began; all, once lines had others beside them."""


class Bad(NamedTuple):
    """A line that cannot be stored, the record it stands in, and why."""

    record: Record
    line: bytes
    why: str


class Parsed(NamedTuple):
    """The rows of some records: of each row the record's number among them, and its line's number within that."""

    rows: pa.Table
    origin: Numbers
    line: Numbers
    bad: list[Bad]


class _Piece(NamedTuple):
    """Some lines of a record: its number, that of the first line, how many there are."""

    origin: int
    line: int
    lines: int
    text: bytes


def parse(records: Sequence[Record], schema: pa.Schema) -> Parsed:
    """All rows that have the schema's form; a line that has not is set apart without touching its neighbours."""
    pieces = [_Piece(n, 0, lines_in(r.value), r.value) for n, r in enumerate(records) if r.value and not r.fault]
    bad = [Bad(record, line, record.fault) for record in records if record.fault for line in lines_of(record.value)]
    tables, origins, numbers = [schema.empty_table()], [_none()], [_none()]
    for chunk in _chunks(pieces):
        for taken, rows in _tables(chunk, schema, records, bad):
            counts = [piece.lines for piece in taken]
            tables.append(rows)
            origins.append(np.repeat([piece.origin for piece in taken], counts))
            numbers.append(np.concatenate([np.arange(piece.lines) + piece.line for piece in taken]))
    whole = pa.concat_tables(tables, promote_options="default")
    return Parsed(whole, np.concatenate(origins), np.concatenate(numbers), bad)


def _chunks(pieces: Sequence[_Piece]) -> Iterator[Sequence[_Piece]]:
    ends = np.cumsum([len(piece.text) for piece in pieces]) // CHUNK_BYTES
    for number in np.unique(ends):
        first, end = np.searchsorted(ends, [number, number + 1])
        yield pieces[first:end]


def _tables(
    pieces: Sequence[_Piece], schema: pa.Schema, records: Sequence[Record], bad: list[Bad]
) -> Iterator[tuple[Sequence[_Piece], pa.Table]]:
    try:
        yield pieces, _read(pieces, schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        if len(pieces) == 1 and pieces[0].lines == 1:
            if line := pieces[0].text.strip():
                bad.append(Bad(records[pieces[0].origin], line, str(error)))
            return
        for half in _halves(pieces):
            yield from _tables(half, schema, records, bad)


def _halves(pieces: Sequence[_Piece]) -> tuple[Sequence[_Piece], Sequence[_Piece]]:
    if len(pieces) == 1:
        origin, line, _, text = pieces[0]
        pieces = [_Piece(origin, line + n, lines_in(part), part) for n, part in enumerate(lines_of(text))]
    middle = len(pieces) // 2
    return pieces[:middle], pieces[middle:]


def _read(pieces: Sequence[_Piece], schema: pa.Schema) -> pa.Table:
    # The first line is there because the reader dies where no line is an object (`null`).
    text = b"".join((b"{}\n", *(p.text if p.text.endswith(b"\n") else p.text + b"\n" for p in pieces)))
    rows = _rows(text, schema)
    if rows.num_rows != 1 + sum(piece.lines for piece in pieces):
        raise pa.ArrowInvalid("not one JSON object a line")
    if not text.isascii():
        rows.validate(full=True)
    return rows.slice(1)


def _rows(text: bytes, schema: pa.Schema) -> pa.Table:
    """A row a line, and the columns that lines have had so far: one costs time even where no line has it."""
    known = _occurring.setdefault(schema, set())
    if 0 < len(known) < len(schema):
        try:
            fields = [field for field in schema if field.name in known]
            return _parsed(text, pa.schema(fields), "error")
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass
    rows = _parsed(text, schema, "ignore").select(schema.names)
    found = {name for name in schema.names if rows[name].null_count < len(rows)}
    known |= found if found - known else set(schema.names)
    return rows


def _parsed(text: bytes, schema: pa.Schema, unexpected: str) -> pa.Table:
    return arrow_json.read_json(
        pa.BufferReader(text),
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior=unexpected),
    )


def _none() -> Numbers:
    return np.empty(0, np.int64)
