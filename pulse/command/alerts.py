"""`pulse alerts`: the rules by which somebody is alerted."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer
from msgspec import json

from pulse.command import option
from pulse.command.control import Control, show

alerts = typer.Typer(help="The rules by which somebody is alerted.", no_args_is_help=True)

Site = Annotated[str | None, typer.Option("--site", help="Only this site's.")]
Id = Annotated[str, typer.Argument(metavar="RULE_ID", help="The rule's id, as `pulse alerts list` shows it.")]
Days = Annotated[int, typer.Option(min=1, max=14, help="How many days back.")]
Told = Annotated[int, typer.Option(min=0, max=200, help="How many of what it told are shown.")]

COLUMNS = ("id", "site_id", "name", "metric", "condition", "window_minutes", "severity", "enabled", "muted")
PAST = ("at", "kind", "group", "value", "reason", "test")
FIRINGS = ("fired", "resolved", "group", "value", "reason")


@alerts.command("list")
def list_rules(
    site: Site = None, as_json: option.AsJson = False, api: option.Api = None, key: option.Key = None
) -> None:
    """List the rules."""
    found = (each for each in Control(api, key).every("alerts") if site in (None, each["site_id"]))
    show(found if as_json else map(_short, found), COLUMNS, as_json)


@alerts.command("show")
def show_rule(
    rule: Id, told: Told = 10, as_json: option.AsJson = False, api: option.Api = None, key: option.Key = None
) -> None:
    """Show a rule and what it told last."""
    control, path = Control(api, key), _path(rule)
    found = control.call("GET", path)
    past = control.call("GET", f"{path}/history", params={"limit": told})["data"] if told else []
    if as_json:
        show([found | {"history": past}], (), as_json)
        return
    for name, value in found.items():
        if value not in (None, [], {}):
            typer.echo(f"{name:16}  {value if isinstance(value, str) else json.encode(value).decode()}")
    if past:
        typer.echo()
        show(past, PAST, as_json)


@alerts.command("test")
def tell_as_test(rule: Id, api: option.Api = None, key: option.Key = None) -> None:
    """Tell whoever is told when the rule fires, marked as a test."""
    told = Control(api, key).call("POST", f"{_path(rule)}/test")
    typer.echo(f"told as {told['id']}")


@alerts.command()
def backtest(
    rule: Id, days: Days = 7, as_json: option.AsJson = False, api: option.Api = None, key: option.Key = None
) -> None:
    """Tell how often the rule would have fired over stored minutes."""
    found = Control(api, key).call("POST", f"{_path(rule)}/backtest", json={"days": days})
    if as_json:
        show([found], (), as_json)
        return
    times = "once" if found["fired"] == 1 else f"{found['fired']} times"
    typer.echo(f"would have fired {times} in {days} {'day' if days == 1 else 'days'}")
    if found["firings"]:
        show(found["firings"], FIRINGS, as_json)


def _path(rule: str) -> str:
    return f"alerts/{quote(rule, safe='')}"


def _short(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule with its condition in few words."""
    condition = rule["condition"]
    words = [str(value) for value in condition.values() if value is not None]
    return {**rule, "condition": " ".join(words)}
