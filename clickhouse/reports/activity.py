"""Who was there in which periods: from the rows of `activity` where these tell it, else from the events."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from clickhouse.client import Client
from clickhouse.reports import daybits
from clickhouse.reports.daybits import Day
from clickhouse.reports.filter import NOTHING, Parameters
from clickhouse.reports.grid import Grid
from clickhouse.reports.happening import ANYTHING, Happening
from clickhouse.reports.marks import Marks
from clickhouse.reports.scope import Scope, Unit, hashed_of, kept_of
from clickhouse.reports.statement import text_of

TABLE = "activity"
EVENTS = "events"


@dataclass(frozen=True)
class Activity:
    """Who did something in which periods of a grid; period 0 is the time before the first one, where that is of interest."""

    scope: Scope
    unit: Unit
    grid: Grid
    has_history: bool
    what: Happening = ANYTHING
    where: str = "event"

    @property
    def is_kept(self) -> bool:
        """Whether rows of `activity` can tell it: they know no more of an event than its name and whether a bot did it."""
        return self.what.filter == NOTHING and self.scope.filter == NOTHING


class Told(NamedTuple):
    """What stands behind FROM, and which table it reads.

    Its rows are of `periods`, the numbers of periods ascending, and of `units`, how many were there in just these.
    """

    rows: str
    source: str


def told(client: Client, bound: Parameters, *activities: Activity) -> Told:
    """How activities are told, of the same scope, unit and grid: after the periods of one come those of the next one.

    So the n-th of a grid of five periods has the numbers from 6n on, 6n being that of its history. Raises QueryError for a
    filter that cannot be, and as the client does.
    """
    scope, grid = activities[0].scope, activities[0].grid
    is_kept = any(activity.is_kept for activity in activities)
    doubtful = unsure(client, scope.site_id, daybits.day_of(scope.end_ms)) if is_kept else frozenset()
    marks, rows = Marks((grid.periods + 1) * len(activities) - 1), list[str]()
    for n, activity in enumerate(activities):
        rows += _rows(activity, bound, doubtful, marks, n * (grid.periods + 1))
    return Told(_counted(marks, rows), TABLE if is_kept else EVENTS)


def unsure(client: Client, site_id: str, end_day: Day) -> frozenset[Day]:
    """The days before one of which `activity` has not the rows of all events that are stored, or has those of others."""
    asked = {"site": site_id, "until": daybits.date_of(end_day)}
    [[stored, counted]] = client.ask(text_of("activity_sure"), asked).rows
    if stored == counted:
        return frozenset()
    return frozenset(row[0] for row in client.ask(text_of("activity_unsure"), asked).rows)


def _rows(activity: Activity, bound: Parameters, doubtful: Iterable[Day], marks: Marks, shift: int) -> Iterator[str]:
    """Statements of rows, each of somebody with marks."""
    if not activity.is_kept:
        yield _events(activity, bound, marks, shift)
        return
    days = daybits.split(activity.grid.begins, activity.scope.end_ms, activity.has_history, doubtful)
    yield from _looked_up(activity, list(_quarters(activity, bound, days, marks, shift)), marks)
    if days.cut:
        named = [daybits.date_of(day) for day in days.cut]
        yield _events(activity, bound, marks, shift, f"toDate(ts) IN {bound.bind(named, 'Array(Date)')}")


def _counted(marks: Marks, rows: list[str]) -> str:
    return text_of(
        "activity_counted", rows=UNION.join(rows), merged=marks.merged("m"), names=marks.names, periods=marks.numbers
    )


def _events(activity: Activity, bound: Parameters, marks: Marks, shift: int, more: str = "1") -> str:
    """Rows of the events themselves."""
    since = 0 if activity.has_history else activity.grid.start_ms
    return text_of(
        "activity_events",
        who=hashed_of(activity.unit, activity.scope.people),
        marks=marks.of_number(f"(period + {shift})"),
        period=activity.grid.number("toUnixTimestamp64Milli(ts)", bound),
        since=bound.bind(since, "Int64"),
        passes=f"{more} AND {activity.scope.filtered(bound)} AND {activity.what.sql(bound, activity.where)}",
    )


def _quarters(activity: Activity, bound: Parameters, days: daybits.Days, marks: Marks, shift: int) -> Iterator[str]:
    """Rows of `activity`: of the past, and of each quarter whose days tell periods."""
    passes = f"event = {bound.bind(activity.what.event, 'String')} AND {activity.scope.filtered(bound)}"
    own = f"{OWN[activity.unit]}, visitor_id" if activity.scope.people else f"{kept_of(activity.unit, '')} AS who"
    if days.past is not None:
        odd = bound.bind([daybits.date_of(quarter) for quarter in days.odd], "Array(Date)")
        before = bound.bind(daybits.date_of(days.past), "Date")
        only = f"quarter < {before} AND quarter NOT IN {odd}"
        yield text_of(
            "activity_quarters", own=own, marks=marks.of_conditions([(shift, "1")]), passes=f"{passes} AND {only}"
        )
    for quarter in days.quarters:
        seen = _any(sum(bits for _, bits in quarter.bits))
        only = f"quarter = {bound.bind(daybits.date_of(quarter.first), 'Date')} AND ({seen})"
        found = [(number + shift, _any(bits)) for number, bits in quarter.bits]
        yield text_of("activity_quarters", own=own, marks=marks.of_conditions(found), passes=f"{passes} AND {only}")


def _any(bits: int) -> str:
    """Whether a row has one of some days. It is looked for in either half of them, as ClickHouse takes its time with wide integers."""
    halves = (("early", bits % (1 << HALF)), ("late", bits >> HALF))
    return " OR ".join(f"bitAnd({name}, {half}) != 0" for name, half in halves if half)


def _looked_up(activity: Activity, rows: list[str], marks: Marks) -> list[str]:
    """The same rows, told by whom they are of; where people stand behind visitors each of these is looked up once."""
    if not activity.scope.people or not rows:
        return rows
    looked_up = text_of(
        "activity_people",
        who=kept_of(activity.unit, activity.scope.people),
        own=OWN[activity.unit],
        words=marks.words,
        merged=marks.merged("w"),
        rows=UNION.join(rows),
    )
    return [looked_up]


OWN: Mapping[Unit, str] = {"users": "visitor, person, named", "visitors": "visitor"}
"""By what rows of one unit are told where people stand behind visitors."""
HALF = 64
UNION = "\nUNION ALL\n"
