"""`pulse send`: an event from the shell."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import json

from pulse.command import option, situation, wire

Name = Annotated[str | None, typer.Argument(metavar="EVENT", help="What happened: page_view, purchase, ….")]
Url = Annotated[str | None, typer.Option(help="The page's address.")]
Visitor = Annotated[str | None, typer.Option(help="The browser or device.")]
User = Annotated[str | None, typer.Option(help="The person, once known.")]
Session = Annotated[str | None, typer.Option(help="The client's own session.")]
Referrer = Annotated[str | None, typer.Option(help="Where the visitor came from.")]
Title = Annotated[str | None, typer.Option(help="The page's title.")]
Country = Annotated[str | None, typer.Option(help="ISO 3166-1 alpha-2.")]
Revenue = Annotated[float | None, typer.Option(help="Money earned.")]
Currency = Annotated[str | None, typer.Option(help="ISO 4217 code of the revenue.")]
Time = Annotated[str | None, typer.Option("--ts", help="When it happened: ms since the epoch or ISO 8601; else now.")]
Id = Annotated[str | None, typer.Option("--id", help="The event's UUID: the same id again is the same event.")]
Properties = Annotated[
    list[str] | None,
    typer.Option(
        "--property", "-p", metavar="NAME=VALUE", help="A property; numbers, true, false and JSON are taken as such."
    ),
]
Body = Annotated[
    Path | None,
    typer.Option(
        "--file",
        allow_dash=True,
        help="Send this file as it is: an event, an array or a line each; - is standard input.",
    ),
]


def send(
    event: Name = None,
    url: Url = None,
    visitor: Visitor = None,
    user: User = None,
    session: Session = None,
    referrer: Referrer = None,
    title: Title = None,
    country: Country = None,
    revenue: Revenue = None,
    currency: Currency = None,
    ts: Time = None,
    event_id: Id = None,
    properties: Properties = None,
    file: Body = None,
    collector: option.Collector = None,
    key: option.Key = None,
) -> None:
    """Send an event, or a file of up to 2,000, and print the collector's answer. Exit code 1 if one is refused."""
    if (event is None) == (file is None):
        raise typer.BadParameter("name an EVENT, or give --file")
    named = {
        "event": event,
        "event_id": event_id,
        "ts": int(ts) if ts and ts.isdigit() else ts,
        "visitor_id": visitor,
        "user_id": user,
        "session_id": session,
        "url": url,
        "referrer": referrer,
        "title": title,
        "country": country,
        "revenue": revenue,
        "currency": currency,
        "properties": _properties(properties or []) or None,
    }
    body = _content(file) if file else json.encode({name: value for name, value in named.items() if value is not None})
    at = situation.settings()
    _post(situation.collector(collector, at), situation.key(key, "secret_key", at.data), body)


def _post(url: str, key: str, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    try:
        answer = wire.call("POST", f"{url}/v1/events", key, "the collector", content=body, headers=headers)
    except wire.Refused as why:
        if why.answer.get("refused"):
            _show({name: why.answer[name] for name in ("accepted", "refused") if name in why.answer})
        raise
    _show(answer)
    if answer["refused"]:
        raise typer.Exit(1)


def _show(answer: Any) -> None:
    typer.echo(json.format(json.encode(answer)).decode())


def _content(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as why:
        raise typer.BadParameter(f"{file} cannot be read: {why.strerror}") from None


def _properties(given: list[str]) -> dict[str, Any]:
    properties = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not (name and sign):
            raise typer.BadParameter(f"{each!r} is not NAME=VALUE", param_hint="--property")
        properties[name] = _value(value)
    return properties


def _value(text: str) -> Any:
    """The JSON that a text is, else the text."""
    try:
        return json.decode(text)
    except msgspec.DecodeError:
        return text
