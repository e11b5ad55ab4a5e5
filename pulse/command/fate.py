"""`pulse fate`: what became of an event."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer
from msgspec import json

from pulse.command import option, situation, wire

EventId = Annotated[str, typer.Argument(metavar="EVENT_ID", help="The event's id.")]
Site = Annotated[str | None, typer.Option(help="The site; else that of the key.")]


def fate(
    event_id: EventId, site: Site = None, api: option.Api = None, key: option.Key = None, as_json: option.AsJson = False
) -> None:
    """Say what became of an event: stored, collapsed, rejected or unknown, and whether anything is still on its way.

    Exit code 1 if it is unknown.
    """
    at = situation.settings()
    own = situation.key(key, "admin_key" if site else "secret_key", at.data)
    url = f"{situation.query_api(api, at)}/api/v1/events/{quote(event_id, safe='')}/fate"
    found = wire.call("GET", url, own, "the query API", params={"site_id": site} if site else {})
    typer.echo(json.encode(found).decode() if as_json else "\n".join(told(found)))
    if found["fate"] == "unknown":
        raise typer.Exit(1)


def told(found: Mapping[str, Any]) -> list[str]:
    """A fate in lines: what it is, each row and refusal, and what is on its way."""
    lines = [f"{found['fate']}: {found['detail']}"]
    for row in found["stored"]:
        lines.append(
            f"  stored    received {_time(row['received_at'])}, happened {_time(row['ts'])}, "
            f"{_clean(row['event'])}, {_place(row['place'])}"
        )
    for row in found["rejected"]:
        why = ": ".join(_clean(row[name]) for name in ("reason", "field", "detail") if row[name])
        lines.append(f"  rejected  by {row['by']}, stored {_time(row['stored_at'])}, {why}, {_place(row['place'])}")
    if found["stored"]:
        lines.append(f"  the site's ledger counted {found['repetitions']:,} repetitions in the window after it")
    for row in found["waiting"]:
        lines.append(f"  waiting   {row['records']:,} records of {row['topic']} for {row['group']}")
    return lines


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")


def _place(place: Mapping[str, Any]) -> str:
    return f"{place['log']} partition {place['partition']} offset {place['offset']}"


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in text)
