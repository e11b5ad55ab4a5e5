"""`pulse top`: what happens now, in the terminal."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pulse.command import option, situation
from pulse.command.stream import Message, follow

Site = Annotated[str | None, typer.Option(help="The site; may be left out where the key has one.")]
Address = Annotated[str | None, typer.Option("--live", help="Address of the live view.")]
Seconds = Annotated[int | None, typer.Option("--seconds", "-n", min=1, help="Stop after so many seconds of counters.")]

WIDTH = 60
ALERTS = 8
ROWS = 10


@dataclass
class Now:
    """What is known of a site."""

    site: str = ""
    counters: Message = field(default_factory=dict)
    minute: Message = field(default_factory=dict)
    rates: deque[int] = field(default_factory=lambda: deque(maxlen=WIDTH))
    alerts: deque[Message] = field(default_factory=lambda: deque(maxlen=ALERTS))
    is_away: bool = False

    def take(self, message: Message) -> None:
        """Note a message of the live view."""
        kind = message["type"]
        self.is_away = kind in ("away", "closed")
        if kind == "hello":
            self.site = message["site_id"]
        elif kind == "counters":
            self.counters = message
            self.rates.append(message["events"])
        elif kind == "aggregate":
            both = message["current"], message["previous"]
            self.minute = both[0] if both[0]["events"] else both[1]
        elif kind == "alert":
            self.alerts.append(message["alert"])


def top(
    site: Site = None,
    seconds: Seconds = None,
    as_json: option.AsJson = False,
    live: Address = None,
    key: option.Key = None,
) -> None:
    """Show what happens now: events a second, visitors, the most frequent pages and events, alerts; until Ctrl-C."""
    at = situation.settings()
    asked = {"show": "counters,aggregate,alerts"} | ({"site_id": site} if site else {})
    found = follow(situation.live_view(live, at), situation.key(key, "secret_key", at.data), asked)
    now, left = Now(), seconds
    console = Console()
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as screen:
        for message in found:
            now.take(message)
            if as_json:
                typer.echo(msgspec.json.encode(message))
            else:
                screen.update(told(now), refresh=console.is_terminal)
            left = left - 1 if left and message["type"] == "counters" else left
            if left == 0:
                return


def told(now: Now) -> Group:
    """The whole picture."""
    counted = now.counters
    head = Text.assemble(
        (f" {now.site} ", "bold reverse"),
        f"  {counted.get('events', 0):,} events/s   {counted.get('page_views', 0):,} page views/s   ",
        (f"{counted.get('visitors', 0):,} visitors now", "bold"),
        ("   the live view does not answer", "bold red") if now.is_away else "",
    )
    begins = now.minute.get("minute")
    since = f" since {datetime.fromtimestamp(begins / 1000, UTC):%H:%M} UTC" if begins else ""
    tables = Table.grid(expand=True, padding=(0, 1))
    tables.add_row(
        _counts(f"pages{since}", now.minute.get("pages", ())), _counts(f"events{since}", now.minute.get("names", ()))
    )
    return Group(head, Text(bars(now.rates), "cyan"), tables, Panel(_alerts(now), title="alerts"))


def bars(rates: deque[int]) -> str:
    """Numbers as bars, the largest one full."""
    most = max(rates, default=0)
    return "".join(" ▁▂▃▄▅▆▇█"[round(rate / most * 8) if most else 0] for rate in rates)


def _counts(title: str, counts: Any) -> Table:
    table = Table(title=title, expand=True, show_header=False)
    table.add_column(ratio=1, no_wrap=True)
    table.add_column(justify="right")
    for name, count in list(counts)[:ROWS]:
        table.add_row(plain(name), f"{count:,}")
    return table


def _alerts(now: Now) -> Text:
    return Text("\n".join(map(_alert, reversed(now.alerts))) or "none since this was opened")


def _alert(told: dict[str, Any]) -> str:
    """One line: when, what, of which rule, why."""
    data = told.get("data", {})
    severity = f" ({data['severity']})" if data.get("severity") else ""
    said = f"{told['kind'].removeprefix('alert.')}  {data.get('rule', '')}{severity}: {data.get('reason', '')}"
    return f"{datetime.fromtimestamp(told['at'] / 1000, UTC):%H:%M:%S}  {plain(said)}"


def plain(text: str) -> Text:
    """What somebody sent, as it may be shown: it must neither steer the terminal nor be taken for markup."""
    return Text("".join(c if c.isprintable() else "�" for c in text))
