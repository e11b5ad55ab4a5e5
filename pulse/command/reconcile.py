"""`pulse reconcile`: what is derived from the events against the events themselves."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated
from uuid import uuid4

import typer
from msgspec import json

from pulse import change
from pulse.command import option, situation
from pulse.command.store import Store
from pulse.errors import PulseError
from pulse.lag import Log, await_passed
from pulse.reconciling.cell import Difference, correction
from pulse.reconciling.compare import Unsettled, find
from pulse.reconciling.derived import DERIVED, HERE, Derived
from pulse.topics import EVENTS, METRICS, RAW

Day = datetime | None
From = Annotated[
    Day, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day (UTC); else that of the first event.")
]
To = Annotated[Day, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day (UTC).")]
Site = Annotated[str | None, typer.Option(help="Only this site's.")]
Repair = Annotated[bool, typer.Option("--repair", help="Add to each aggregate what it lacks.")]

STEPS = ((("pulse-streams", (RAW,)),), (("pulse-sink", (EVENTS, METRICS)),))
"""Through whom an event and its partials pass to the store."""
PASSED_S = 120.0
ANSWER_S = 600.0
SHOWN = 20


def reconcile(
    since: From = None, until: To = None, site: Site = None, repair: Repair = False, as_json: option.AsJson = False
) -> None:
    """Compare minute aggregates and the ledger with the events, day by day. Exit code 1 if anything differs.

    What is on its way to the store is no difference: it can run at any time, beside everything else.
    """
    if since and until and since > until:
        raise typer.BadParameter(f"{_date(since)} is after --to {_date(until)}", param_hint="--from")
    days = Days(site or "")
    left = [found for day in days.between(_date(since), _date(until)) for found in _day(days, day, repair, as_json)]
    if not as_json and not left:
        typer.echo("everything is as the events say")
    if left:
        _explain(left, as_json)
        raise typer.Exit(1)


def _day(days: "Days", day: str, repair: bool, as_json: bool) -> list[Difference]:
    left: list[Difference] = []
    for derived in DERIVED:
        found = days.differences(derived, day)
        _tell(derived, day, found, as_json)
        if found and repair and derived.are_mended:
            days.mend(derived, found)
            found = days.differences(derived, day)
            typer.echo(f"{day}  {derived.table}: mended, {len(found):,} cells differ now", err=as_json)
        left += found
    return left


class Days:
    """Days of the store, of one site or (empty) of all."""

    def __init__(self, site: str) -> None:
        at = situation.settings()
        self._store = Store(at.clickhouse_url.get_secret_value())
        self._log = Log(at.kafka_url)
        self._redis = at.redis_url.get_secret_value()
        self._site = site
        if site:
            self._store.demand_site(site, ANSWER_S)
        self._partitions = len(self._log.lags((("pulse-sink", (METRICS,)),))) or at.partitions

    def between(self, first: str, last: str) -> Iterator[str]:
        """The days of which there is anything."""
        asked = {"from": first, "to": last}
        text = (HERE / "days.sql").read_text(encoding="utf-8")
        yield from (row["day"] for row in self._store.records(text, asked, ANSWER_S))

    def differences(self, derived: Derived, day: str) -> list[Difference]:
        """The cells of a day that differ; raises PulseError."""
        try:
            return find(derived, day, self._site, self._partitions, self._ask, self._await_passed)
        except Unsettled:
            raise PulseError(
                f"{derived.table} of {day} goes ahead of its events: `pulse status` tells the lag"
            ) from None

    def mend(self, derived: Derived, found: list[Difference]) -> None:
        """Insert the differences as one block; raises Unavailable and QueryError."""
        columns = ", ".join((*derived.keys, *derived.sums))
        once = f"async_insert = 0, insert_deduplication_token = 'reconcile-{uuid4().hex}'"
        rows = b"".join(json.encode(correction(derived, each)) + b"\n" for each in found)
        query = f"INSERT INTO {derived.table} ({columns}) SETTINGS {once} FORMAT JSONEachRow\n{rows.decode()}"
        for _ in self._store.ask(query, {}, "TSV", ANSWER_S):
            pass
        change.tell(self._redis)

    def _ask(self, query: str, parameters: Mapping[str, str]) -> list[dict[str, object]]:
        return self._store.records(query, parameters, ANSWER_S)

    def _await_passed(self) -> None:
        await_passed(self._log, STEPS, PASSED_S)


def _tell(derived: Derived, day: str, found: list[Difference], as_json: bool) -> None:
    if as_json:
        for each in found:
            typer.echo(json.encode(each).decode())
        return
    if found:
        typer.echo(f"{day}  {derived.table}: {len(found):,} cells differ")
    for each in found[:SHOWN]:
        sums = ", ".join(
            f"{name} {kept} where the events give {each.counted[name]}"
            for name, kept in each.kept.items()
            if kept != each.counted[name]
        )
        typer.echo(f"    {' '.join(value or '-' for value in each.cell.values())}: {sums}")
    if len(found) > SHOWN:
        typer.echo(f"    and {len(found) - SHOWN:,} more; --json tells all")


def _explain(left: list[Difference], as_json: bool) -> None:
    """Why tables that differ may do so, and what to do; beside JSON on standard error."""
    for derived in DERIVED:
        if any(each.table == derived.table for each in left):
            typer.echo(f"{derived.table}: {derived.causes}", err=as_json)


def _date(day: Day) -> str:
    return day.date().isoformat() if day else ""
