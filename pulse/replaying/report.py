"""The difference between a replay and what is stored, and how it is told."""

from collections.abc import Iterator

from msgspec import Struct

from pulse.replaying.about import About
from pulse.replaying.span import moment

SHOWN = 60
"""So many characters of a value are shown."""


class Example(Struct, frozen=True):
    """An event whose column differs: as it is stored, and as it would be."""

    event_id: str
    there: str
    here: str


class Column(Struct):
    """A column of which rows differ: how many, and a few of them."""

    name: str
    rows: int
    examples: list[Example]


class Day(Struct):
    """A day (UTC, by receipt) of a site: rows stored and rows made, which are on one side only, and which differ."""

    day: str
    site_id: str
    stored: int
    made: int
    only_there: int
    only_here: int
    differing: int
    columns: list[Column] = []

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return bool(self.only_there or self.only_here or self.differing)


class Rejected(Struct):
    """A reason of refusal: how many events the stream refused for it, and how many would be refused today."""

    reason: str
    then: int
    now: int


class Report(Struct):
    """A replay, its days and refusals."""

    about: About
    days: list[Day]
    rejected: list[Rejected]

    def total(self, name: str) -> int:
        """The sum of a count over the days."""
        return sum(getattr(day, name) for day in self.days)


def told(report: Report) -> Iterator[str]:
    """The report in lines."""
    about = report.about
    yield f"replay {about.name}: {about.span} UTC, {about.state}"
    yield (
        f"{about.read:,} events out of the raw log, {about.taken:,} rows out of the table; "
        f"{about.duplicates:,} repetitions, {about.added:,} that were not stored before"
    )
    yield from _held(about)
    for day in report.days:
        yield from _day(day)
    for each in report.rejected:
        yield f"rejected  {each.reason}: {each.now:,} today, {each.then:,} then"
    yield (
        f"in all: {report.total('stored'):,} stored, {report.total('made'):,} here; "
        f"{report.total('only_here'):,} only here, {report.total('only_there'):,} only there, "
        f"{report.total('differing'):,} differ"
    )


def _held(about: About) -> Iterator[str]:
    if about.held_unread:
        yield f"{about.held_unread:,} rows stay as they are: the raw log did not give them again"
    if about.held_last:
        yield f"{about.held_last:,} rows stay as they are: the sink tells by them how far it has stored"


def _day(day: Day) -> Iterator[str]:
    if not day.differs:
        yield f"{day.day}  {day.site_id}: {day.stored:,} rows, no difference"
        return
    yield (
        f"{day.day}  {day.site_id}: {day.stored:,} stored, {day.made:,} here; {day.only_here:,} only here, "
        f"{day.only_there:,} only there, {day.differing:,} differ"
    )
    for column in day.columns:
        yield f"    {column.name}: {column.rows:,} rows"
        for example in column.examples:
            yield f"        {example.event_id}: {_shown(example.there)} -> {_shown(example.here)}"


def listed(about: About) -> str:
    """A replay in a line."""
    return f"{about.name}  {about.state}  {about.span}  made {moment(about.made_at)}"


def _shown(value: str) -> str:
    text = "".join(c if c.isprintable() else "�" for c in value)
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 1] + "…")
