"""`pulse replay`: a range of the raw log through today's rules, beside what is stored, and in its place on request."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from msgspec import json

from pulse import change
from pulse.command import option, situation
from pulse.command.reconcile import Days
from pulse.command.work import Work
from pulse.errors import PulseError
from pulse.reconciling.derived import DERIVED
from pulse.replaying.about import About
from pulse.replaying.report import Report, listed, told
from pulse.replaying.span import Span, demand_name, name_at, span_of

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
From = Annotated[
    datetime | None, typer.Option("--from", formats=FORMATS, help="From when on events were received (UTC).")
]
To = Annotated[
    datetime | None,
    typer.Option(
        "--to", formats=FORMATS, help="Until when (UTC); a day without a time of day, or with 00:00, counts as a whole."
    ),
]
Site = Annotated[str | None, typer.Option(help="Only this site's.")]
Name = Annotated[str | None, typer.Option(help="What the replay is to be called; else by the time.")]
Listed = Annotated[bool, typer.Option("--list", help="List the replays there are.")]
Show = Annotated[str | None, typer.Option("--show", metavar="NAME", help="Show again how a replay differs.")]
Swap = Annotated[
    str | None, typer.Option("--swap", metavar="NAME", help="Put a replay in the place of what is stored.")
]
Drop = Annotated[str | None, typer.Option("--drop", metavar="NAME", help="Remove a replay's tables.")]

MODULE = "streams.replay"
LOCK = "replay.lock"
Found = TypeVar("Found")


def replay(
    since: From = None,
    until: To = None,
    site: Site = None,
    name: Name = None,
    listing: Listed = False,
    show: Show = None,
    swap: Swap = None,
    drop: Drop = None,
    as_json: option.AsJson = False,
) -> None:
    """Run what was received in a range through today's rules, beside what is stored, and show what differs.

    Nothing that is stored changes before --swap. One at a time.
    """
    if sum((since is not None or until is not None, listing, bool(show), bool(swap), bool(drop))) != 1:
        raise typer.BadParameter("give --from and --to, or one of --list, --show, --swap and --drop")
    at = situation.settings()
    if listing:
        for about in _lines(["list"], About):
            typer.echo(json.encode(about).decode() if as_json else listed(about))
        return
    with _alone(at.data / LOCK):
        if show:
            _tell(_last(["show", demand_name(show)], Report), as_json)
        elif swap:
            _swap(demand_name(swap), as_json)
        elif drop:
            gone = _last(["drop", demand_name(drop)], About)
            typer.echo(json.encode(gone).decode() if as_json else f"{gone.name} is dropped")
        else:
            _make(_span(since, until, site), demand_name(name or name_at(datetime.now(UTC))), as_json)


def _span(since: datetime | None, until: datetime | None, site: str | None) -> Span:
    if since is None or until is None:
        raise typer.BadParameter("a range has both --from and --to")
    return span_of(since, until, site or "")


def _make(span: Span, name: str, as_json: bool) -> None:
    try:
        words = ["make", name, str(span.since), str(span.until), "--site", span.site]
        _tell(_last(words, Report), as_json)
    except KeyboardInterrupt:
        raise PulseError(f"interrupted; `pulse replay --drop {name}` removes what was made until then") from None
    if not as_json:
        typer.echo(f"nothing is changed; `pulse replay --swap {name}` does, `pulse replay --drop {name}` forgets it")


def _swap(name: str, as_json: bool) -> None:
    """The rows first, then the aggregates by what the events say by then: both may be repeated until all is done."""
    about = _last(["swap", name], About)
    change.tell(situation.settings().redis_url.get_secret_value())
    days = Days(about.span.site)
    mended = sum(_mended(days, day, name) for day in about.days if about.changed)
    if as_json:
        typer.echo(json.encode(about).decode())
        return
    months = ", ".join(map(str, about.changed))
    typer.echo(f"{name} is swapped: {f'months {months}' if months else 'nothing differed'}; {mended:,} minutes mended")
    typer.echo(f"the ledger tells of the original run; `pulse replay --drop {name}` removes the copy")


def _mended(days: Days, day: str, name: str) -> int:
    """How many cells of the minute aggregates of a day were brought to what the events say."""
    [metrics] = [derived for derived in DERIVED if derived.are_mended]
    found = days.differences(metrics, day)
    if found:
        days.mend(metrics, found)
        if left := days.differences(metrics, day):
            raise PulseError(
                f"{metrics.table} of {day}: {len(left):,} cells differ still; run `pulse replay --swap {name}` again"
            )
    return len(found)


def _tell(report: Report, as_json: bool) -> None:
    if as_json:
        typer.echo(json.encode(report).decode())
        return
    for line in told(report):
        typer.echo(line)


def _last(words: list[str], kind: type[Found]) -> Found:
    *_, found = _lines(words, kind)
    return found


def _lines(words: list[str], kind: type[Found]) -> Iterator[Found]:
    yield from Work(MODULE, words).results(kind)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PulseError(
                "another `pulse replay` is at work with this data folder: wait until it has ended"
            ) from None
        yield
