"""`pulse keys`: the keys with which events are sent and questions asked."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from pulse.command import option
from pulse.command.control import Control, show

keys = typer.Typer(help="The keys with which events are sent and questions asked.", no_args_is_help=True)

Site = Annotated[str | None, typer.Option(help="The site; a key without one is for all of the organisation's.")]
OfSite = Annotated[str | None, typer.Option("--site", help="Only this site's.")]
Name = Annotated[str, typer.Argument(help="What it is for.")]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        help="events:write, events:import, stats:read, alerts:write, sql:read, leads:read, leads:unmasked, leads:write or admin; may be given several times.",
    ),
]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin", help="For a public key: an origin that may use it, as https://example.org; several times."
    ),
]
Public = Annotated[bool, typer.Option("--public", help="A key for pages: it may only write, from its origins.")]
Overlap = Annotated[float, typer.Option(min=0, help="For how long the old key stays valid.")]
Id = Annotated[str, typer.Argument(metavar="KEY_ID", help="The key's id, as `pulse keys list` shows it.")]

COLUMNS = (
    "id",
    "site_id",
    "name",
    "prefix",
    "scopes",
    "origins",
    "public",
    "created",
    "expires",
    "revoked",
    "last_used",
)


@keys.command("list")
def list_keys(
    site: OfSite = None, as_json: option.AsJson = False, api: option.Api = None, key: option.Key = None
) -> None:
    """List the keys; of each only its beginning is known."""
    found = Control(api, key).every("keys")
    show((each for each in found if site in (None, each["site_id"])), COLUMNS, as_json)


@keys.command()
def create(
    name: Name,
    site: Site = None,
    scopes: Scopes = None,
    origins: Origins = None,
    public: Public = False,
    as_json: option.AsJson = False,
    api: option.Api = None,
    key: option.Key = None,
) -> None:
    """Make a key and show it, this once."""
    wanted: dict[str, Any] = {"name": name, "site_id": site, "public": public}
    wanted |= {"scopes": scopes or ["events:write"], "origins": origins or []}
    _shown_once(Control(api, key).call("POST", "keys", json=wanted), as_json)


@keys.command()
def revoke(key_id: Id, api: option.Api = None, key: option.Key = None) -> None:
    """End a key: within a minute nobody takes it."""
    Control(api, key).call("DELETE", f"keys/{quote(key_id, safe='')}")
    typer.echo(f"{key_id} is revoked")


@keys.command()
def rotate(
    key_id: Id,
    overlap_hours: Overlap = 168,
    as_json: option.AsJson = False,
    api: option.Api = None,
    key: option.Key = None,
) -> None:
    """Make a key like this one and show it, this once; until the overlap ends both are valid."""
    wanted = {"overlap_hours": overlap_hours}
    _shown_once(Control(api, key).call("POST", f"keys/{quote(key_id, safe='')}/rotate", json=wanted), as_json)


def _shown_once(made: dict[str, Any], as_json: bool) -> None:
    show([made], COLUMNS[:7], as_json)
    if not as_json:
        typer.echo(f"\n{made['key']}\n\nIt is shown this once.")
