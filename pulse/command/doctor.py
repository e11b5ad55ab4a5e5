"""`pulse doctor`: everything that Pulse needs, and what to do about what is missing."""

import os
import time
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pulse import started
from pulse.diagnosis import machine, network, networks, packages, variables
from pulse.diagnosis.finding import Finding, State, ok
from pulse.errors import SettingError
from pulse.settings import Settings, load

COLOURS = {State.ok: "green", State.warning: "yellow", State.missing: "red"}

Quiet = Annotated[bool, typer.Option("--quiet", help="Only what is not right.")]


def doctor(quiet: Quiet = False) -> None:
    """Check every dependency, port, version and setting, and say what to do. Exit code 1 if something is missing."""
    findings = examine()
    shown = [each for each in findings if each.state != State.ok or not quiet]
    console = Console()
    if shown:
        console.print(table(shown))
    bad = sum(each.state == State.missing for each in findings)
    console.print(f"{bad} missing" if bad else "Pulse can run here.", style="red" if bad else "green")
    if bad:
        raise typer.Exit(1)


def examine() -> list[Finding]:
    """All findings; what depends on settings that cannot be read is left out."""
    findings = [packages.look(), *variables.look(os.environ)]
    try:
        settings = load()
    except SettingError:
        return findings
    given = {name: bool(os.environ.get(variable)) for name, variable in network.URLS.items()}
    return [
        *machine.look(settings.data.resolve(), given["clickhouse"]),
        *findings,
        *networks.look(settings.networks_folder.resolve(), time.time_ns() // 1_000_000),
        *_network(settings, given),
    ]


def table(findings: Iterable[Finding]) -> Table:
    """The findings as they are shown."""
    made = Table("", "what", "seen", "what to do", box=None, pad_edge=False)
    for each in findings:
        made.add_row(f"[{COLOURS[each.state]}]{each.state}[/]", each.what, _plain(each.seen), _plain(each.remedy))
    return made


def _network(settings: Settings, given: dict[str, bool]) -> list[Finding]:
    found = started.read(settings.data)
    if found and started.is_running(found.up):
        started.adopt(os.environ, settings.data)
        return [ok("Pulse", f"runs as process {found.up.pid} ({found.phase})"), *network.services(load())]
    reached = network.services(settings)
    wanted = [network.NAMES[name] for name, is_given in given.items() if is_given]
    return [*network.ports(settings, given, network.is_free), *(each for each in reached if each.what in wanted)]


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
