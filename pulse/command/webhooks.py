"""`pulse webhooks`: where notices are sent, whether they arrive, and sending them again."""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote

import typer

from pulse.command import option
from pulse.command.control import Control, moment, show

webhooks = typer.Typer(help="Where notices are sent, and whether they arrive.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="WEBHOOK_ID", help="The webhook's id, as `pulse webhooks list` shows it.")]
Url = Annotated[str, typer.Argument(help="Where notices are posted.")]
Site = Annotated[str | None, typer.Option(help="The site whose notices.")]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="A kind of notices, as alert.firing; alert for all that begin so; several times."),
]
Name = Annotated[str | None, typer.Option(help="Its name; else its host.")]
Template = Annotated[str, typer.Option(help="json, slack, discord, teams, pagerduty or opsgenie.")]
Headers = Annotated[list[str] | None, typer.Option("--header", help="A header, as 'Name: value'; several times.")]
Unmasked = Annotated[bool, typer.Option("--unmasked", help="Tell it in whole who leads are.")]
Delivery = Annotated[str | None, typer.Argument(metavar="[DELIVERY_ID]", help="One delivery; else all of a kind.")]
OfSite = Annotated[str | None, typer.Option("--site", help="Only this site's.")]
InState = Annotated[str, typer.Option("--state", help="Which, where no delivery is named: dead, delivered or all.")]
OfState = Annotated[
    str | None, typer.Option("--state", help="Only those that are pending, delivered, dead or overtaken.")
]
Since = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Those made from here on.")]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Those made before; a date is in whole.")]
Within = Annotated[float, typer.Option("--within", min=0, metavar="SECONDS", help="How long to wait for the answer.")]
Overlap = Annotated[
    float, typer.Option("--overlap", min=0, max=720, metavar="HOURS", help="For how long the old secret signs too.")
]
OfKind = Annotated[str, typer.Option("--kind", help="The kind of the notice.")]

COLUMNS = ("id", "site_id", "name", "url", "kinds", "template", "enabled", "breaker", "failures", "disabled_why")
SENT = ("id", "kind", "state", "attempts", "status", "error", "created", "next", "finished")
LOOK_S = 0.3


@webhooks.command("list")
def list_webhooks(
    site: OfSite = None, as_json: option.AsJson = False, api: option.Api = None, key: option.Key = None
) -> None:
    """List the webhooks, and how each does."""
    found = Control(api, key).every("webhooks")
    show((each for each in found if site in (None, each["site_id"])), COLUMNS, as_json)


@webhooks.command()
def create(
    url: Url,
    site: Site = None,
    kinds: Kinds = None,
    name: Name = None,
    template: Template = "json",
    headers: Headers = None,
    unmasked: Unmasked = False,
    as_json: option.AsJson = False,
    api: option.Api = None,
    key: option.Key = None,
) -> None:
    """Make a webhook and show the secret that its messages are signed with, this once."""
    wanted: dict[str, Any] = {"url": url, "site_id": site, "name": name, "template": template}
    wanted |= {"unmasked": unmasked, "kinds": kinds or ["*"], "headers": dict(_header(each) for each in headers or [])}
    made = Control(api, key).call("POST", "webhooks", json=wanted)
    show([made], COLUMNS[:7], as_json)
    if not as_json:
        typer.echo(f"\n{made['secret']}\n\nIt is shown this once.")


@webhooks.command()
def deliveries(
    webhook_id: Id,
    state: OfState = None,
    as_json: option.AsJson = False,
    api: option.Api = None,
    key: option.Key = None,
) -> None:
    """List what was sent to a webhook, the newest first, and when what waits is tried next (in UTC); at most 200."""
    asked = {"limit": 200} | ({"state": state} if state else {})
    page = Control(api, key).call("GET", f"{_path(webhook_id)}/deliveries", params=asked)
    _show(page["data"], as_json)


@webhooks.command("test")
def send_test(
    webhook_id: Id,
    within: Within = 15,
    as_json: option.AsJson = False,
    api: option.Api = None,
    key: option.Key = None,
) -> None:
    """Send a test by the way that all notices go, and show what was answered; exit 1 if it was not delivered."""
    control = Control(api, key)
    asked = control.call("POST", f"{_path(webhook_id)}/test")
    found = _tried(control, f"{_path(webhook_id)}/deliveries/{asked['id']}", within)
    _show([found], as_json)
    if found["state"] != "delivered":
        raise typer.Exit(1)


@webhooks.command()
def redeliver(
    webhook_id: Id,
    delivery_id: Delivery = None,
    state: InState = "dead",
    since: Since = None,
    until: Until = None,
    api: option.Api = None,
    key: option.Key = None,
) -> None:
    """Send again: one delivery, or all that are dead, or those of a range."""
    control = Control(api, key)
    if delivery_id is not None:
        control.call("POST", f"{_path(webhook_id)}/deliveries/{quote(delivery_id, safe='')}/redeliver")
        typer.echo(f"{delivery_id} is sent again")
        return
    wanted = {"state": state} | {
        name: text for name, text in (("start_date", since), ("end_date", until)) if text is not None
    }
    number = control.call("POST", f"{_path(webhook_id)}/redeliver", json=wanted)["deliveries"]
    typer.echo(f"{number} {'delivery is' if number == 1 else 'deliveries are'} sent again")


@webhooks.command()
def enable(webhook_id: Id, api: option.Api = None, key: option.Key = None) -> None:
    """Have notices sent to a webhook again; what went wrong with it is forgotten."""
    Control(api, key).call("PATCH", _path(webhook_id), json={"enabled": True})
    typer.echo(f"{webhook_id} is enabled")


@webhooks.command()
def disable(webhook_id: Id, api: option.Api = None, key: option.Key = None) -> None:
    """Have nothing sent to a webhook; what waits for it is dead."""
    Control(api, key).call("PATCH", _path(webhook_id), json={"enabled": False})
    typer.echo(f"{webhook_id} is disabled")


@webhooks.command()
def delete(webhook_id: Id, api: option.Api = None, key: option.Key = None) -> None:
    """Remove a webhook, with what waits for it and all that is known of its deliveries."""
    Control(api, key).call("DELETE", _path(webhook_id))
    typer.echo(f"{webhook_id} is removed")


@webhooks.command()
def rotate(
    webhook_id: Id,
    overlap: Overlap = 24,
    as_json: option.AsJson = False,
    api: option.Api = None,
    key: option.Key = None,
) -> None:
    """Replace a webhook's secret and show the new one, this once."""
    made = Control(api, key).call("POST", f"{_path(webhook_id)}/rotate", json={"overlap_hours": overlap})
    if as_json:
        show([made], (), as_json)
        return
    typer.echo(f"{made['secret']}\n\nIt is shown this once. The one before it signs too for {overlap:g} hours.")


@webhooks.command()
def preview(
    template: Template = "json", kind: OfKind = "alert.firing", api: option.Api = None, key: option.Key = None
) -> None:
    """Show what a template makes of an alert's notice, as JSON; nothing is sent."""
    made = Control(api, key).call("POST", "webhooks/preview", json={"template": template, "kind": kind})
    show([made], (), as_json=True)


def _show(found: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Deliveries; the first ones follow one another within seconds, so those are shown of the next try."""
    due = [each.get("next_attempt") for each in found]
    rows = [{**each, "next": ms and moment(ms, "seconds")} for each, ms in zip(found, due, strict=True)]
    show(found if as_json else rows, SENT, as_json)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise typer.BadParameter(f"{text!r} is not of the form 'Name: value'", param_hint="--header")
    return name.strip(), value.strip()


def _path(webhook_id: str) -> str:
    return f"webhooks/{quote(webhook_id, safe='')}"


def _tried(control: Control, path: str, within_s: float) -> dict[str, Any]:
    """A delivery once it was tried, or as it is when the time is over."""
    deadline = time.monotonic() + within_s
    while True:
        found: dict[str, Any] = control.call("GET", path)
        if found["attempts"] or time.monotonic() >= deadline:
            return found
        time.sleep(LOOK_S)
