"""`pulse alerts`: the rules by which somebody is alerted."""

import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from msgspec import DecodeError, json

from pulse.command import option
from pulse.command.control import Control, moment, show
from pulse.errors import PulseError

alerts = typer.Typer(help="The rules by which somebody is alerted.", no_args_is_help=True)

Site = Annotated[str | None, typer.Option("--site", help="Only this site's.")]
Id = Annotated[str, typer.Argument(metavar="RULE_ID", help="The rule's id, as `pulse alerts list` shows it.")]
Days = Annotated[int, typer.Option(min=1, max=14, help="How many days back.")]
Told = Annotated[int, typer.Option(min=0, max=200, help="How many of what it told are shown.")]
Definition = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", allow_dash=True, help="The rule as JSON, as the query API takes it; - is standard input."
    ),
]
For = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="For how long: 30m, 8h, 2d; an hour unless it is said.")
]
End = Annotated[bool, typer.Option("--end", help="End a snooze.")]

HOUR = "1h"
UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
COLUMNS = (
    *("id", "site_id", "name", "state", "metric", "condition", "window_minutes", "severity"),
    *("enabled", "muted", "snoozed_until"),
)
MOMENTS = ("created", "changed", "snoozed_until")
PAST = ("at", "kind", "group", "value", "reason", "test")
FIRINGS = ("fired", "resolved", "group", "value", "reason")


@alerts.command("list")
def list_rules(
    site: Site = None, as_json: option.AsJson = False, api: option.Api = None, key: option.Key = None
) -> None:
    """List the rules, with where each stands and until when it is snoozed (in UTC)."""
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
            typer.echo(f"{name:16}  {_words(name, value)}")
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


@alerts.command()
def create(
    definition: Definition, as_json: option.AsJson = False, api: option.Api = None, key: option.Key = None
) -> None:
    """Make a rule."""
    made = Control(api, key).call("POST", "alerts", json=_definition(definition))
    show([made if as_json else _short(made)], COLUMNS, as_json)


@alerts.command()
def delete(rule: Id, api: option.Api = None, key: option.Key = None) -> None:
    """Remove a rule; refused while another one depends on it."""
    Control(api, key).call("DELETE", _path(rule))
    typer.echo(f"{rule} is removed")


@alerts.command()
def enable(rule: Id, api: option.Api = None, key: option.Key = None) -> None:
    """Have a rule watch, from this minute on."""
    _change(rule, {"enabled": True}, "watches", api, key)


@alerts.command()
def disable(rule: Id, api: option.Api = None, key: option.Key = None) -> None:
    """Have a rule watch no longer; what fires is told to be over."""
    _change(rule, {"enabled": False}, "watches no longer", api, key)


@alerts.command()
def mute(rule: Id, api: option.Api = None, key: option.Key = None) -> None:
    """Have a rule not begin to fire, until it is unmuted."""
    _change(rule, {"muted": True}, "is muted", api, key)


@alerts.command()
def unmute(rule: Id, api: option.Api = None, key: option.Key = None) -> None:
    """Have a rule fire again; what still holds fires now."""
    _change(rule, {"muted": False}, "is not muted", api, key)


@alerts.command()
def snooze(rule: Id, lasts: For = None, end: End = False, api: option.Api = None, key: option.Key = None) -> None:
    """Have a rule not begin to fire for a while; what still holds afterwards fires then."""
    if end and lasts is not None:
        raise typer.BadParameter("cannot be given with --end, which ends a snooze at once", param_hint="--for")
    lasts = HOUR if lasts is None else lasts
    until = None if end else int(time.time() * 1000) + _ms(lasts)
    _change(rule, {"snoozed_until": until}, "is not snoozed" if end else f"is snoozed for {lasts}", api, key)


def _change(rule: str, change: Mapping[str, Any], said: str, api: str | None, key: str | None) -> None:
    Control(api, key).call("PATCH", _path(rule), json=change)
    typer.echo(f"{rule} {said}")


def _ms(lasts: str) -> int:
    found = re.fullmatch(r"([1-9]\d{0,5})([mhd])", lasts)
    if found is None:
        raise typer.BadParameter(
            f"{lasts!r} is not a number of minutes, hours or days such as 30m, 8h, 2d", param_hint="--for"
        )
    return int(found[1]) * UNITS_MS[found[2]]


def _definition(file: Path) -> Any:
    try:
        return json.decode(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    except (OSError, DecodeError, UnicodeDecodeError) as why:
        raise PulseError(f"{file} holds no rule: {why}") from None


def _words(name: str, value: Any) -> str:
    """A field of a rule as it is shown: moments in UTC, what is made of parts as JSON."""
    if name in MOMENTS:
        return moment(value)
    return value if isinstance(value, str) else json.encode(value).decode()


def _path(rule: str) -> str:
    return f"alerts/{quote(rule, safe='')}"


def _short(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule with its condition and where it stands in few words; a snooze that is over is none."""
    condition = rule["condition"]
    words = [str(value) for value in condition.values() if value is not None]
    snoozed = rule.get("snoozed_until") or 0
    return {
        **rule,
        "condition": " ".join(words),
        "state": _standing(rule),
        "snoozed_until": snoozed if snoozed > time.time() * 1000 else None,
    }


def _standing(rule: Mapping[str, Any]) -> str | None:
    """Where a rule stands; of one with groups also how many of them fire."""
    state: str | None = rule.get("state")
    many = rule.get("groups_firing")
    return f"{state} ({many})" if many and rule.get("group_by") else state
