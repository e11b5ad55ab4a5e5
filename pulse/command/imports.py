"""`pulse import`: files of events through the collector; importing one again within the window changes nothing."""

import sys
import time
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, BinaryIO, NamedTuple

import typer
import zstandard
from msgspec import json
from rich.console import Console

from pulse.command import importdone, option, situation
from pulse.command.delivery import IN_FLIGHT, PATIENCE_S, Delivered, Delivery
from pulse.command.meter import Meter, meter
from pulse.command.refusals import Refusal, Refusals
from pulse.errors import PulseError
from pulse.importing import lines, reading
from pulse.importing.line import Broken
from pulse.importing.reading import Format

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE…", allow_dash=True, help="NDJSON, CSV or access logs, plain, .gz or .zst; - is standard input."
    ),
]
Kind = Annotated[Format | None, typer.Option("--format", help="What the files are; else seen from their first lines.")]
Base = Annotated[
    str,
    typer.Option("--base", metavar="URL", help="What goes before an access log's paths, such as https://example.org."),
]
Rejects = Annotated[
    Path | None,
    typer.Option("--rejects", metavar="FILE", help="Write every refused line and its reason here, as NDJSON."),
]
Api = Annotated[
    str | None,
    typer.Option(
        "--api",
        metavar="URL",
        help="The query API that is told when it is done; else the one that the settings name, or none with --collector.",
    ),
]
Flights = Annotated[int, typer.Option("--in-flight", min=1, max=64, help="Requests under way at once.")]

SHOWN = 20


class Place(NamedTuple):
    """Where an event stands."""

    file: str
    line: int


class Tally:
    """What has become of the lines so far."""

    def __init__(self, refusals: Refusals) -> None:
        self.sent = 0
        self.accepted = 0
        self.untimed = 0
        self.refusals = refusals

    def refused_here(self, file: str, line: Broken) -> None:
        """A line that is no event."""
        self.refusals.add(Refusal(file, line.number, line.reason, line.field, line.text))

    def answered(self, delivered: Delivered[Place]) -> None:
        """A batch that the collector answered."""
        self.sent += len(delivered.tags)
        self.accepted += delivered.answer.accepted
        for each in delivered.answer.refused:
            file, line = delivered.tags[each.index]
            self.refusals.add(Refusal(file, line, each.detail or each.reason, each.field))


def import_files(
    files: Files,
    form: Kind = None,
    base: Base = "",
    rejects: Rejects = None,
    as_json: option.AsJson = False,
    collector: option.Collector = None,
    api: Api = None,
    key: option.Key = None,
    in_flight: Flights = IN_FLIGHT,
    patience: option.Patience = PATIENCE_S,
) -> None:
    """Send files of events to the collector, with ids that follow from their lines: twice within a day changes nothing.

    Formats: NDJSON with the fields of an event; CSV whose header names them (also event_type and timestamp_ms; other
    columns become properties; a quoted value has up to 100 lines; no file is read with two columns for one thing); access
    logs in the common or combined format, each line an event `request`. A line that is no event is refused and told
    with its number and reason; the others go on. Exit code 1 if any was refused.

    Equal lines of one file are so many events; the same line in another file is the same event. After the window of
    PULSE_DEDUP_HOURS (a day unless set otherwise) a file that is imported again may be counted again.
    When it is done the query API is told, and by it webhooks that want import.done.
    """
    _demand_files(files)
    at, began = situation.settings(), time.monotonic()
    url, presented = situation.collector(collector, at), situation.key(key, "secret_key", at.data)
    with Refusals(rejects) as refusals:
        tally = Tally(refusals)
        with (
            meter("importing", _size(files)) as shown,
            Delivery(
                url, presented, tally.answered, shown.waits, in_flight=in_flight, patience_s=patience, yields=True
            ) as delivery,
        ):
            _import_all(files, Reading(form, base, 0), tally, delivery, shown)
    _tell(tally, files, as_json)
    if api or not collector:
        seconds = time.monotonic() - began
        importdone.tell(situation.query_api(api, at), presented, files, tally.accepted, refusals.count, seconds)
    if refusals.count:
        raise typer.Exit(1)


def _demand_files(files: Sequence[Path]) -> None:
    for file in files:
        if file.is_dir():
            raise PulseError(f"{file} is a directory: name the files in it, as {file}/*")
        if str(file) != "-" and not file.exists():
            raise PulseError(f"there is no file {file}")


class Reading(NamedTuple):
    """How a file is to be read: its format if that was given, what goes before paths, bytes of the files before it."""

    form: Format | None
    base: str
    before: int


def _import_all(files: Sequence[Path], how: Reading, tally: Tally, delivery: Delivery[Place], shown: Meter) -> None:
    for file in files:
        how = how._replace(before=how.before + _import(file, how, tally, delivery, shown))
    delivery.finish()


def _import(file: Path, how: Reading, tally: Tally, delivery: Delivery[Place], shown: Meter) -> int:
    """Send one file and return its size; raises PulseError if it cannot be read to its end."""
    name = "standard input" if str(file) == "-" else str(file)
    number = 0
    try:
        with closing(_open(file)) as packed:
            content = lines.unpacked(packed)
            kind = how.form or reading.format_of(lines.opening(content))
            if kind is None:
                raise PulseError(
                    f"{name} is no NDJSON, CSV or access log by its first lines; --format says which it is"
                )
            for item in reading.events(lines.numbered(content), kind, how.base):
                number = item.number
                if isinstance(item, Broken):
                    tally.refused_here(name, item)
                    continue
                tally.untimed += not item.timed
                delivery.send(Place(name, number), item.body)
                if number % 100 == 0:
                    shown.reached(how.before + _position(packed), tally.sent)
            return _position(packed)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as why:
        delivery.finish()
        raise PulseError(
            f"{name} cannot be read beyond line {number}: {why} ({tally.accepted:,} events were accepted)"
        ) from None


def _open(file: Path) -> BinaryIO:
    return sys.stdin.buffer if str(file) == "-" else file.open("rb")


def _position(stream: BinaryIO) -> int:
    return stream.tell() if stream.seekable() else 0


def _size(files: Sequence[Path]) -> int | None:
    return None if any(str(file) == "-" for file in files) else sum(file.stat().st_size for file in files)


def _tell(tally: Tally, files: Sequence[Path], as_json: bool) -> None:
    refusals = tally.refusals
    if as_json:
        typer.echo(
            json.encode(
                {
                    "files": [str(file) for file in files],
                    "lines": tally.accepted + refusals.count,
                    "accepted": tally.accepted,
                    "refused": refusals.count,
                    "reasons": dict(refusals.reasons),
                    "first_refused": refusals.first,
                }
            ).decode()
        )
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{tally.accepted:,} events accepted (an id seen before counts once), {refusals.count:,} lines refused"
    )
    if tally.untimed:
        console.print(f"{tally.untimed:,} of them do not say when they happened (ts): they count as happening now")
    for each in refusals.first[:SHOWN]:
        at_fault = f"{each.field}: " if each.field else ""
        console.print(f"  {each.file}:{each.line}: {at_fault}{each.reason}", markup=False)
    if refusals.count > SHOWN:
        console.print(f"  … and {refusals.count - SHOWN:,} more; --rejects FILE writes all of them")
