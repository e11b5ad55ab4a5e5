"""`pulse sites`: the sites that events belong to."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from pulse.command import option
from pulse.command.control import Control, show
from pulse.mode import MODES, STANDARD

sites = typer.Typer(help="The sites that events belong to.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="SITE", help="The site's id: lower-case letters, digits, - and _.")]
Name = Annotated[str | None, typer.Option(help="Its name; else its id.")]
Timezone = Annotated[str, typer.Option(help="IANA time zone of its days.")]
OneOf = f"What is kept of visitors: {', '.join(MODES)}."
Kept = Annotated[str, typer.Option("--mode", help=OneOf)]

COLUMNS = ("id", "name", "timezone", "mode", "created", "archived")


@sites.command("list")
def list_sites(as_json: option.AsJson = False, api: option.Api = None, key: option.Key = None) -> None:
    """List the sites."""
    show(Control(api, key).every("sites"), COLUMNS, as_json)


@sites.command()
def create(
    site: Id,
    name: Name = None,
    timezone: Timezone = "UTC",
    mode: Kept = STANDARD,
    as_json: option.AsJson = False,
    api: option.Api = None,
    key: option.Key = None,
) -> None:
    """Make a site."""
    wanted: dict[str, Any] = {"id": site, "name": name or site, "timezone": timezone, "mode": mode}
    show([Control(api, key).call("POST", "sites", json=wanted)], COLUMNS, as_json)


@sites.command()
def change(
    site: Id,
    name: Name = None,
    timezone: Annotated[str | None, typer.Option(help="IANA time zone of its days.")] = None,
    mode: Annotated[str | None, typer.Option("--mode", help=OneOf)] = None,
    as_json: option.AsJson = False,
    api: option.Api = None,
    key: option.Key = None,
) -> None:
    """Change a site; what is not named stays."""
    given = {"name": name, "timezone": timezone, "mode": mode}
    wanted = {what: value for what, value in given.items() if value is not None}
    show([Control(api, key).call("PATCH", f"sites/{quote(site, safe='')}", json=wanted)], COLUMNS, as_json)


@sites.command()
def archive(site: Id, api: option.Api = None, key: option.Key = None) -> None:
    """Take a site out of use: its events stay, its keys are valid no longer."""
    Control(api, key).call("DELETE", f"sites/{quote(site, safe='')}")
    typer.echo(f"{site} is archived")
