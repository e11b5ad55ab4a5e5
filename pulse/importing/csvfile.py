"""CSV with a header row, its columns named as the contract's fields."""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import DecodeError, Raw, json

from pulse.clock import to_ms
from pulse.event import Event
from pulse.importing.identity import event_id
from pulse.importing.line import Broken, Found, broken

ALIASES = {"event_type": "event", "event_name": "event", "timestamp_ms": "ts", "timestamp": "ts"}
FIELDS = frozenset(Event.__struct_fields__) | {"site_id"}
TIMES = ("ts", "sent_at")
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
NUMBER = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]{1,2})?", re.IGNORECASE)
DELIMITERS = ",;\t|"
LINES_OF_A_ROW = 100
"""A quoted value may run over this many lines; a quote open for longer is a mistake in its own line alone."""

Numbered = tuple[int, bytes]


class NotARow(ValueError):
    """The line is no event; says why, and names the field at fault where there is one."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.field = field


def names(header: bytes) -> tuple[list[str], str]:
    """The contract's names of a header's columns, and the delimiter; what the contract does not know is a property."""
    text = header.decode("utf-8-sig", "replace").strip()
    found = [(_columns(text, delimiter), delimiter) for delimiter in DELIMITERS]
    return max(found, key=lambda each: ("event" in each[0], len(each[0])))


def _columns(text: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return []
    return [_known(cell.strip()) for cell in cells]


def _known(cell: str) -> str:
    """The contract's name of a column, however it is written; else the column's own."""
    name = ALIASES.get(cell.lower(), cell.lower())
    return name if name in FIELDS else cell


def is_header(line: bytes) -> bool:
    """Whether a line names the one column without which there is no event."""
    return "event" in names(line)[0]


def events(lines: Iterable[Numbered]) -> Iterator[Found | Broken]:
    """What each row after the header is; raises nothing. A header that names no event is all that is then read."""
    rest = iter(lines)
    header = next(rest, None)
    if header is None:
        return
    columns, delimiter = names(header[1])
    if "event" not in columns:
        yield broken(*header, "the header names no column event (or event_type)")
        return
    twice = [name for name, number in Counter(map(_meant, columns)).items() if name and number > 1]
    if twice:
        yield broken(*header, f"more than one column is for {', '.join(twice)}: leave one")
        return
    yield from _rows(rest, columns, delimiter)


def _meant(column: str) -> str:
    """What a column is for; one may be named as a property that would be one without that."""
    name = column.removeprefix("properties.")
    return column if name in FIELDS else name


def _rows(lines: Iterator[Numbered], columns: list[str], delimiter: str) -> Iterator[Found | Broken]:
    waiting: deque[Numbered] = deque()
    while True:
        taken: list[Numbered] = []
        try:
            cells = _cells(_texts(lines, waiting, taken), delimiter)
            if b"".join(line for _, line in taken).strip():
                yield _row(taken[0][0], cells, columns)
        except NotARow as why:
            # a stray quote must not swallow the rows after it: they are read again, each for itself
            waiting.extendleft(reversed(taken[1:]))
            yield broken(*taken[0], str(why), why.field)
        if not taken:
            return


def _texts(lines: Iterator[Numbered], waiting: deque[Numbered], taken: list[Numbered]) -> Iterator[str]:
    """The next lines, as many as the row takes, noted as they are; more than one where a quoted value holds line ends."""
    while (line := waiting.popleft() if waiting else next(lines, None)) is not None:
        if len(taken) == LINES_OF_A_ROW:
            waiting.appendleft(line)
            raise NotARow(f"a quote is open for more than {LINES_OF_A_ROW} lines")
        taken.append(line)
        yield line[1].decode()


def _cells(texts: Iterator[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(texts, delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError:
        raise NotARow("not text in UTF-8") from None
    except csv.Error as why:
        raise NotARow(f"not a row of CSV: {why}") from None


def _row(number: int, cells: list[str], columns: list[str]) -> Found:
    if len(cells) != len(columns):
        raise NotARow(f"{len(cells)} values where the header names {len(columns)}")
    given = {name: cell for name, cell in zip(columns, cells, strict=True) if name and cell}
    event = _event(given)
    content = None if "event_id" in event else json.encode(sorted(given.items()))
    return Found(number, event, content)


def _event(given: dict[str, str]) -> dict[str, Any]:
    event: dict[str, Any] = {name: cell for name, cell in given.items() if name in FIELDS}
    more: dict[str, Any] = {
        name.removeprefix("properties."): cell for name, cell in given.items() if name not in FIELDS
    }
    told = _properties(event.pop("properties", "{}"))
    if told.keys() & more.keys():
        raise NotARow(f"{min(told.keys() & more.keys())} is there, and has a column as well", "properties")
    more = told | more
    for name in TIMES:
        if name in event:
            event[name] = _moment(name, event[name])
    if "revenue" in event:
        event["revenue"] = _number("revenue", event["revenue"])
    if "event_id" in event:
        event["event_id"] = _uuid(event["event_id"])
    if more:
        event["properties"] = more
    return event


def _moment(name: str, cell: str) -> int | float:
    """A time in ms, given as such or in ISO 8601 (a date alone is its midnight, UTC)."""
    if NUMBER.fullmatch(cell):
        return _number(name, cell)
    try:
        return to_ms(datetime.fromisoformat(cell))
    except (ValueError, OverflowError):
        raise NotARow(f"not a time: {cell[:40]!r}", name) from None


def _number(name: str, cell: str) -> int | float:
    if not NUMBER.fullmatch(cell):
        raise NotARow(f"not a number: {cell[:40]!r}", name)
    return int(cell) if WHOLE.fullmatch(cell) else float(cell)


def _uuid(cell: str) -> str:
    """A UUID as it stands; any other id as the UUID that follows from it."""
    try:
        return str(UUID(cell))
    except ValueError:
        return event_id(f"event_id:{cell}".encode())


def _properties(cell: str) -> dict[str, Raw]:
    try:
        return json.decode(cell, type=dict[str, Raw])
    except (DecodeError, RecursionError):
        raise NotARow("not a JSON object", "properties") from None
