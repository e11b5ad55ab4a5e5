"""`pulse leads`: who sent a site's forms, and what they did on the site."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from pulse.command import option
from pulse.command.control import Control, show

leads = typer.Typer(help="Who sent forms, and what they did on the site.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="LEAD_ID", help="The lead's id, as `pulse leads list` shows it.")]
OfSite = Annotated[str | None, typer.Option("--site", help="Only this site's.")]
OfStatus = Annotated[
    str | None, typer.Option("--status", help="Only those that are new, seen, forwarded, closed or spam.")
]
OfBand = Annotated[str | None, typer.Option("--band", help="Only those that are low, elevated, high or critical.")]
Since = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Those received from here on.")]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Those received before; a date is in whole.")]

COLUMNS = ("id", "site_id", "received", "status", "name", "email", "phone", "form", "suspicion", "suspicion_band")
STEPS = ("ts", "event", "path", "title", "risk")


@leads.command("list")
def list_leads(
    site: OfSite = None,
    status: OfStatus = None,
    band: OfBand = None,
    since: Since = None,
    until: Until = None,
    as_json: option.AsJson = False,
    api: option.Api = None,
    key: option.Key = None,
) -> None:
    """List the leads, the newest first; at most 200."""
    asked = {"site_id": site, "status": status, "band": band, "start_date": since, "end_date": until, "limit": 200}
    given = {name: value for name, value in asked.items() if value is not None}
    show(Control(api, key).call("GET", "leads", params=given)["data"], COLUMNS, as_json)


@leads.command("show")
def show_lead(lead_id: Id, as_json: option.AsJson = False, api: option.Api = None, key: option.Key = None) -> None:
    """Show a lead, why it is suspicious, and what its session did."""
    found: dict[str, Any] = Control(api, key).call("GET", f"leads/{quote(lead_id, safe='')}")
    if as_json:
        show([found], (), as_json)
        return
    show([found], COLUMNS, as_json)
    reasons = ", ".join(f"{code} {points}" for code, points in found["reasons"].items())
    told = [found["message"], *(f"{name}: {value}" for name, value in found["fields"].items())]
    told += [f"suspicion: {reasons}"] if reasons else []
    typer.echo("".join(f"\n{each}\n" for each in told if each))
    if found["events"]:
        show(found["events"], STEPS, as_json)
    elif found["activity_missing"]:
        typer.echo(found["activity_missing"])
