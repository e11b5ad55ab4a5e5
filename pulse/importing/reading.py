"""From the lines of a file to events with ids, ready to be sent."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from msgspec import json

from pulse.importing import accesslog, csvfile, ndjson
from pulse.importing.identity import Occurrences, event_id
from pulse.importing.line import Broken, Found

Lines = Iterable[tuple[int, bytes]]
_encoder = json.Encoder()


class Format(StrEnum):
    """What a file's lines may be."""

    ndjson = "ndjson"
    csv = "csv"
    accesslog = "accesslog"


class Ready(NamedTuple):
    """An event as it is sent: the number of its line, its JSON, and whether it says when it happened."""

    number: int
    body: bytes
    timed: bool


def format_of(opening: list[bytes]) -> Format | None:
    """The format that a file's first lines show, None where they show none."""
    if not opening:
        return Format.ndjson
    if csvfile.is_header(opening[0]):
        return Format.csv
    share = {
        Format.ndjson: sum(line.lstrip(b"\xef\xbb\xbf \t").startswith(b"{") for line in opening),
        Format.accesslog: sum(accesslog.is_line(line) for line in opening),
    }
    likely = max(share, key=lambda kind: share[kind])
    return likely if share[likely] else None


def events(lines: Lines, kind: Format, base: str = "") -> Iterator[Ready | Broken]:
    """What each line of one file is: an event with an id that stays the same for ever, or why it is none."""
    readers: dict[Format, Callable[[], Iterator[Found | Broken]]] = {
        Format.ndjson: lambda: ndjson.events(lines),
        Format.csv: lambda: csvfile.events(lines),
        Format.accesslog: lambda: accesslog.events(lines, base),
    }
    met = Occurrences()
    for item in readers[kind]():
        yield item if isinstance(item, Broken) else _ready(item, met)


def _ready(found: Found, met: Occurrences) -> Ready:
    event = found.event
    if found.content is not None:
        event["event_id"] = event_id(found.content, met.count(found.content))
    return Ready(found.number, _encoder.encode(event), "ts" in event)
