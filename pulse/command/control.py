"""Sites and keys over the query API."""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import typer
from msgspec import json
from rich.console import Console, ConsoleDimensions
from rich.markup import escape
from rich.table import Table

from pulse.command import situation, wire

WIDE = (20_000, 25)
"""Columns and lines of a table that goes to a file or a pipe: nothing of it is cut."""
TIMES = frozenset(
    {
        *("created", "archived", "expires", "revoked", "last_used", "finished", "at", "fired", "resolved", "received"),
        *("ts", "snoozed_until"),
    }
)

KEY_REFUSED = (401, 403)
FROM_ENVIRONMENT = (
    "the key was that of the environment variable PULSE_KEY: unset it, and the administrator's of the data folder's keys.json "
    "is used, or give one with --key"
)


class Control:
    """The control plane, asked with an administrator's key. Raises PulseError saying what was answered."""

    def __init__(self, api: str | None, key: str | None) -> None:
        at = situation.settings()
        self._url = f"{situation.query_api(api, at)}/api/v1"
        self._key = situation.key(key, "admin_key", at.data)

    def call(self, method: str, path: str, **request: Any) -> Any:
        """The JSON of an answer."""
        try:
            return wire.call(method, f"{self._url}/{path}", self._key, "the query API", **request)
        except wire.Refused as why:
            if why.status in KEY_REFUSED and self._key == os.environ.get("PULSE_KEY"):
                raise wire.Refused(f"{why}; {FROM_ENVIRONMENT}", why.status, why.answer) from None
            raise

    def every(self, what: str) -> list[Mapping[str, Any]]:
        """All records of a kind, page after page."""
        found: list[Mapping[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.call("GET", what, params={"cursor": cursor} if cursor else {})
            found += page["data"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found


def show(records: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Records as a table, or a line of JSON each."""
    if as_json:
        for record in records:
            typer.echo(json.encode(record).decode())
        return
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in ("id", "key"))
    for record in records:
        table.add_row(*(escape(_cell(name, record.get(name))) for name in columns))
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.size = ConsoleDimensions(*WIDE)
    console.print(table)


def moment(ms: int, to: Literal["minutes", "seconds"] = "minutes") -> str:
    """A moment as people read it, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(sep=" ", timespec=to).removesuffix("+00:00")


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in TIMES and isinstance(value, int):
        return moment(value)
    if isinstance(value, list):
        return " ".join(map(str, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
