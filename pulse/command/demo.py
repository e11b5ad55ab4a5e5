"""`pulse demo`: lifelike traffic through the collector."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, NamedTuple

import typer
from msgspec import json
from rich.console import Console
from rich.table import Table

from pulse.clock import to_ms
from pulse.command import option, situation
from pulse.command.delivery import PATIENCE_S, Delivered, Delivery
from pulse.command.meter import meter
from pulse.demo.summary import Count, Summary, moment
from pulse.demo.traffic import Plan, Sent, traffic
from pulse.errors import PulseError
from pulse.topics import DAY_MS

Events = Annotated[
    int | None, typer.Option(min=1, help="How many distinct events; 10,000 if neither this nor --duration is given.")
]
Rate = Annotated[
    float | None,
    typer.Option(min=0.01, help="Events a second; 1,000, or what follows from --events and --duration."),
]
Duration = Annotated[
    float | None,
    typer.Option(min=0.1, metavar="SECONDS", help="How long to send, at the rate; with --events so many in that time."),
]
Days = Annotated[
    float, typer.Option(min=0, help="Over how many days up to now they happened; 0: they happen as they are sent.")
]
Visitors = Annotated[int | None, typer.Option(min=1, help="How many visitors; else one for 25 events.")]
Seed = Annotated[int, typer.Option(help="The same seed at the same --now makes the same events.")]
Now = Annotated[str | None, typer.Option(metavar="TIME", help="The end of those days: ms since the epoch or ISO 8601.")]
Fast = Annotated[bool, typer.Option("--fast", help="As fast as they are taken, whatever the rate.")]
Duplicates = Annotated[float, typer.Option(min=0, max=1, help="Share of events that are sent twice.")]
Late = Annotated[float, typer.Option(min=0, max=1, help="Share of events that come after later ones.")]
Bots = Annotated[float, typer.Option(min=0, max=1, help="Share of visits by machines.")]

USUAL_EVENTS = 10_000
USUAL_RATE = 1_000.0
FAST_BATCH = 2_000
TOGETHER_S = 0.25
"""What is due within this time is sent at once."""


def demo(
    events: Events = None,
    rate: Rate = None,
    duration: Duration = None,
    days: Days = 6,
    visitors: Visitors = None,
    seed: Seed = 1,
    now: Now = None,
    fast: Fast = False,
    duplicates: Duplicates = 0.01,
    late: Late = 0.05,
    bots: Bots = 0.03,
    as_json: option.AsJson = False,
    collector: option.Collector = None,
    key: option.Key = None,
    patience: option.Patience = PATIENCE_S,
) -> None:
    """Send lifelike traffic: visitors with sessions, pages, referrers, campaigns and devices, who buy and come back.

    Ends with exact counts of what was sent, to be compared with what is stored.
    """
    if fast and days == 0:
        raise typer.BadParameter("with --days 0 events happen as they are sent, which --fast contradicts")
    count, rate = _measure(events, rate, duration)
    end = _moment(now)
    start, end = (end - round(days * DAY_MS), end) if days else (end, end + max(1, round(count / rate * 1000)))
    plan = Plan(count, start, end, visitors or max(1, count // 25), seed, duplicates, late, bots)
    at = situation.settings()
    where = Where(situation.collector(collector, at), situation.key(key, "secret_key", at.data), patience)
    began = time.monotonic()
    made = _run(plan, where, None if fast else _due_by_time(plan) if days == 0 else _due_by_rate(rate))
    _tell(made, time.monotonic() - began, as_json)


def _measure(events: int | None, rate: float | None, duration: float | None) -> tuple[int, float]:
    """How many events at which rate; raises BadParameter where the three contradict each other."""
    if events and duration:
        if rate and round(rate * duration) != events:
            raise typer.BadParameter(
                f"{events:,} events at --rate {rate:g} take {events / rate:g} s, not --duration {duration:g}: leave one of the three out",
                param_hint="--events",
            )
        return events, events / duration
    rate = rate or USUAL_RATE
    return events or (max(1, round(rate * duration)) if duration else USUAL_EVENTS), rate


class Where(NamedTuple):
    """The collector, the key, and for how many seconds to keep trying."""

    url: str
    key: str
    patience_s: float


Due = Callable[[int, Sent], float]
"""When the n-th sending is due, in seconds from the beginning."""


def _run(plan: Plan, where: Where, due: Due | None) -> Summary:
    count = Count()
    size = FAST_BATCH if due is None else FAST_BATCH // 4

    with meter("sending", plan.events * (1 + plan.duplicates)) as shown:

        def answered(delivered: Delivered[Sent]) -> None:
            refused = {each.index for each in delivered.answer.refused}
            count.refused += len(refused)
            for index, sending in enumerate(delivered.tags):
                if index not in refused:
                    count.add(sending)
            shown.reached(count.sent, count.sent)

        with Delivery(
            where.url, where.key, answered, shown.waits, events=size, patience_s=where.patience_s
        ) as delivery:
            try:
                for sending in traffic(plan) if due is None else _paced(traffic(plan), due, delivery.flush):
                    delivery.send(sending, sending.body)
                delivery.finish()
            except PulseError as why:
                raise PulseError(f"{why} ({count.sent:,} events were accepted)") from None
    return count.summary()


def _paced(sendings: Iterator[Sent], due: Due, flush: Callable[[], None]) -> Iterator[Sent]:
    """The sendings when they are due; what was given out before a pause is flushed."""
    began = time.monotonic()
    for number, sending in enumerate(sendings):
        wait = began + due(number, sending) - time.monotonic()
        if wait > TOGETHER_S:
            flush()
            time.sleep(wait)
        yield sending


def _due_by_rate(rate: float) -> Due:
    return lambda number, _: number / rate


def _due_by_time(plan: Plan) -> Due:
    return lambda _, sending: (sending.due - plan.start_ms) / 1000


def _moment(given: str | None) -> int:
    if given is None:
        return time.time_ns() // 1_000_000
    try:
        return int(given) if given.isdigit() else to_ms(datetime.fromisoformat(given))
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{given!r} is not a time", param_hint="--now") from None


def _tell(made: Summary, seconds: float, as_json: bool) -> None:
    if as_json:
        typer.echo(json.encode(made).decode())
        return
    console = Console(highlight=False)
    console.print(f"sent {made.sent:,} in {seconds:.1f} s ({made.sent / max(seconds, 1e-3):,.0f}/s)")
    console.print(
        f"{made.distinct:,} events, {made.duplicates:,} of them sent twice, {made.late:,} late, {made.bots:,} by bots"
    )
    console.print(f"from {moment(made.first)} to {moment(made.last)} UTC")
    table = Table("event", "count", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, number in sorted(made.events.items(), key=lambda each: -each[1]):
        table.add_row(name, f"{number:,}")
    console.print(table)
    for currency, total in made.revenue.items():
        console.print(f"revenue {total:,.2f} {currency}")
    if made.refused:
        console.print(f"{made.refused:,} were refused", style="red")
