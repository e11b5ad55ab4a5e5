"""Who was there in which periods: from the rows of `activity` where these tell it, else from the events."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from clickhouse.client import ONE_MOMENT, Answer, Client
from clickhouse.reports import daybits
from clickhouse.reports.daybits import Day
from clickhouse.reports.filter import NOTHING, Parameters
from clickhouse.reports.grid import Grid
from clickhouse.reports.happening import ANYTHING, Happening
from clickhouse.reports.lately import Lately
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
    """What a question brought, and which table it read."""

    answer: Answer
    source: str


def ask(
    client: Client, bound: Mapping[str, object], about: Callable[[str], str], now_ms: int, *activities: Activity
) -> Told:
    """Ask a statement `about` activities of the same scope, unit and grid; it is given what stands behind FROM.

    The rows there are of `periods`, the numbers of periods ascending, and of `units`, how many were there in just these.
    After the periods of one activity come those of the next one: the n-th of a grid of five periods has the numbers from 6n
    on, 6n being that of its history. Raises QueryError for a filter that cannot be, and as the client does.
    """
    if any(activity.is_kept for activity in activities):
        days = _days(activities)
        today = daybits.day_of(now_ms)
        open_days = {day for day in (today, today + 1) if day < days.end}
        found = _at_once(client, bound, about, activities, days, open_days)
        if found is not None:
            return Told(found, TABLE)
        doubtful = unsure(client, *days) | open_days
        found = _ask(client, bound, about, activities, doubtful)
        # what is deleted or made anew between the look and the question, or during it, is noticed by a second look
        if unsure(client, *days) <= doubtful:
            _note(client, days.site_id, doubtful - open_days)
            return Told(found, TABLE)
    return Told(_ask(client, bound, about, activities, None), EVENTS)


def unsure(client: Client, site_id: str, first: Day, end: Day) -> frozenset[Day]:
    """The days from one to before another of which `activity` has not the rows of all events that are stored, or has those of others.

    Days that make up for each other are not noticed. Days are looked at one by one within some months alone.
    """
    if _is_sure(client, site_id, first, end):
        return frozenset()
    if end - first <= LOOKED_AT:
        return differing(client, site_id, first, end)
    middle = (first + end) // 2
    return unsure(client, site_id, first, middle) | unsure(client, site_id, middle, end)


def differing(client: Client, site_id: str, first: Day, end: Day) -> frozenset[Day]:
    """The same days, each looked at by itself, for which all events in between are read."""
    return frozenset(row[0] for row in client.ask(text_of("activity_unsure"), _between(site_id, first, end)).rows)


def _is_sure(client: Client, site_id: str, first: Day, end: Day) -> bool:
    [[stored, counted]] = client.ask(text_of("activity_sure"), _between(site_id, first, end)).rows
    return bool(stored == counted)


def _between(site_id: str, first: Day, end: Day) -> dict[str, object]:
    return {"site": site_id, "since": daybits.date_of(first), "until": daybits.date_of(end)}


class _Days(NamedTuple):
    site_id: str
    first: Day
    end: Day


def _days(activities: tuple[Activity, ...]) -> _Days:
    """The days of which rows of `activity` may be read."""
    scope, grid = activities[0].scope, activities[0].grid
    has_history = any(activity.has_history and activity.is_kept for activity in activities)
    return _Days(
        scope.site_id,
        0 if has_history else daybits.day_of(grid.start_ms),
        daybits.day_of(scope.end_ms),
    )


def _at_once(
    client: Client,
    bound: Mapping[str, object],
    about: Callable[[str], str],
    activities: tuple[Activity, ...],
    days: _Days,
    open_days: set[Day],
) -> Answer | None:
    """Ask and look in one statement; None where the store cannot, or where there are other days in doubt than those that are known.

    Open days are read from the events, and so is what was in doubt the last time.
    """
    if not client.sees_one_moment():
        return None
    doubtful = open_days | (_doubts.of((client.database, days.site_id)) or frozenset())
    own = Parameters(bound)
    asked = _statement(own, about, activities, doubtful)
    found = client.ask(_looking(own, asked, days, doubtful), own, **ONE_MOMENT)
    if not found.rows or not all(row[-1] for row in found.rows):
        return None
    return found._replace(columns=found.columns[:-1], rows=[row[:-1] for row in found.rows])


def _note(client: Client, site_id: str, days: frozenset[Day]) -> None:
    """Days in doubt that are few are read from the events at once the next time; of many the events would be many."""
    _doubts.note((client.database, site_id), days if 0 < len(days) <= REMEMBERED else None)


def _looking(own: Parameters, asked: str, days: _Days, doubtful: set[Day]) -> str:
    """The same question with the look at all days that are not in doubt."""
    end = days.end
    while end > days.first and end - 1 in doubtful:
        end -= 1
    own |= {"looked_since": daybits.date_of(days.first), "looked_until": daybits.date_of(end)}
    among = [daybits.date_of(day) for day in sorted(doubtful) if days.first <= day < end]
    left_out = f"NOT IN {own.bind(among, 'Array(Date)')}" if among else ""
    return text_of(
        "activity_at_once",
        asked=asked,
        trusted=f"toDate(ts) {left_out}" if among else "1",
        trusted_rows=f"addDays(quarter, day - 1) {left_out}" if among else "1",
    )


def _ask(
    client: Client,
    bound: Mapping[str, object],
    about: Callable[[str], str],
    activities: tuple[Activity, ...],
    doubtful: Collection[Day] | None,
) -> Answer:
    """Ask of the events alone where no days are given."""
    own = Parameters(bound)
    return client.ask(_statement(own, about, activities, doubtful), own)


def _statement(
    own: Parameters,
    about: Callable[[str], str],
    activities: tuple[Activity, ...],
    doubtful: Collection[Day] | None,
) -> str:
    periods = activities[0].grid.periods + 1
    marks, rows = Marks(periods * len(activities) - 1), list[str]()
    for n, activity in enumerate(activities):
        rows += _rows(activity, own, doubtful, marks, n * periods)
    if marks.last == 1 and not activities[0].has_history:
        return about(text_of("activity_distinct", rows=UNION.join(rows)))  # each row is of somebody who was there
    return about(_counted(marks, rows))


def _rows(
    activity: Activity, bound: Parameters, doubtful: Iterable[Day] | None, marks: Marks, shift: int
) -> Iterator[str]:
    """Statements of rows, each of somebody with marks."""
    if doubtful is None or not activity.is_kept:
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
LOOKED_AT = 92
"""So many days are looked at one by one at once."""
REMEMBERED, REMEMBERED_S = 31, 60.0
"""So many days in doubt of a site are remembered, for so long: then they may have been made anew."""
UNION = "\nUNION ALL\n"

_doubts: Lately[tuple[str, str], frozenset[Day]] = Lately(REMEMBERED_S)
