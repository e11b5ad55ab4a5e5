"""Cohorts: who did something, or did not, or is on a list; joined by and, or, not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from clickhouse.reports.filter import DEEPEST, Parameters
from clickhouse.reports.happening import Happening
from clickhouse.reports.scope import named_of, who_of
from clickhouse.reports.statement import text_of
from pulse.errors import QueryError

Kind = Literal["users", "visitors"]
"""Of whom a cohort is made: people where known, else visitors; or visitors."""

MOST_TIMES = 1_000_000


@dataclass(frozen=True)
class Did:
    """Who did something from `since_ms` to before `until_ms`, at least and, if it is not 0, at most so many times.

    With `is_first` the very first time in the site's history counts, and must lie in there.
    """

    what: Happening
    since_ms: int
    until_ms: int
    at_least: int = 1
    at_most: int = 0
    is_first: bool = False


@dataclass(frozen=True)
class Listed:
    """Who was put on the list of a cohort by hand."""

    cohort: str


@dataclass(frozen=True)
class All:
    """Who is in all of these."""

    parts: tuple["Members", ...]


@dataclass(frozen=True)
class Any:
    """Who is in at least one of these."""

    parts: tuple["Members", ...]


@dataclass(frozen=True)
class Without:
    """Who is not in there."""

    part: "Members"


Members = Did | Listed | All | Any | Without


@dataclass(frozen=True)
class Cohort:
    """Somebody of a site by what they did; what it is in SQL is true of an event whose unit is a member."""

    site_id: str
    kind: Kind
    members: Members
    people: str = ""

    @property
    def who(self) -> str:
        """What tells one member from another in a row of events."""
        return who_of(self.kind, self.people)

    @property
    def named(self) -> str:
        """Who is meant by the name `who` on a list."""
        return named_of(self.kind, self.people)

    def sql(self, bound: Parameters, where: str) -> str:
        """Whether somebody is a member, by a row of theirs; raises QueryError that says where it cannot be."""
        return self.true_of(self.who, bound, where)

    def true_of(self, who: str, bound: Parameters, where: str) -> str:
        """The same of somebody who is named by an expression."""
        return _sql(self, self.members, who, bound, where, DEEPEST)

    def told(self, bound: Parameters, where: str, now: int) -> tuple[str, str]:
        """A statement of everybody who can be a member until now, as `who`, and whether one of these is. Raises as `sql` does."""
        found = _narrowed(Placed(self.members, where, DEEPEST))
        if found is None:
            return text_of("cohort_everybody", who=self.who, named=self.named), self.true_of("who", bound, where)
        sources = [text_of("cohort_known", source=_placed_source(self, each, bound, now)) for each in found.sources]
        rest = [_sql(self, each.part, "who", bound, each.where, each.levels) for each in found.rest]
        return "UNION DISTINCT\n".join(sources), " AND ".join(rest) or "1"


NOBODY = Cohort("", "visitors", Any(()))


class Placed(NamedTuple):
    """A part of a definition: where it stands there, and how many levels deep it may be."""

    part: "Members"
    where: str
    levels: int

    def inner(self) -> list["Placed"]:
        """The parts of it, if it is of all or any of some."""
        if not isinstance(self.part, All | Any):
            return []
        word = _word(self.part)
        return [Placed(part, f"{self.where}.{word}[{n}]", self.levels - 1) for n, part in enumerate(self.part.parts)]


class Narrowed(NamedTuple):
    """Everybody who can be a member is in one of the sources; of these the members are those of whom all of the rest is true."""

    sources: tuple[Placed, ...]
    rest: tuple[Placed, ...] = ()


def _narrowed(some: Placed) -> Narrowed | None:
    """Among whom members are to be looked for; None where it is everybody, as it is for whoever did not do something."""
    _demand_shallow(some.where, some.levels)
    if isinstance(some.part, Did | Listed):
        return Narrowed((some,))
    if isinstance(some.part, Without):
        return None
    found = [_narrowed(each) for each in some.inner()]
    return _of_all(some, found) if isinstance(some.part, All) else _of_any(some, found)


def _of_all(some: Placed, found: Sequence[Narrowed | None]) -> Narrowed | None:
    """Those of the part with the fewest sources, of whom the other parts are true."""
    fewest = min(((len(each.sources), n) for n, each in enumerate(found) if each is not None), default=None)
    if fewest is None or (chosen := found[fewest[1]]) is None:
        return None
    others = (each for n, each in enumerate(some.inner()) if n != fewest[1])
    return Narrowed(chosen.sources, (*chosen.rest, *others))


def _of_any(some: Placed, found: Sequence[Narrowed | None]) -> Narrowed | None:
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return None
    sources = tuple(source for each in known for source in each.sources)
    return Narrowed(sources, (some,) if any(each.rest for each in known) else ())


def lists_in(some: Members) -> set[str]:
    """The cohorts on whose lists membership depends."""
    if isinstance(some, Listed):
        return {some.cohort}
    if isinstance(some, Without):
        return lists_in(some.part)
    return set() if isinstance(some, Did) else set().union(*map(lists_in, some.parts))


def _sql(cohort: Cohort, some: Members, who: str, bound: Parameters, where: str, levels: int) -> str:
    _demand_shallow(where, levels)
    if isinstance(some, Without):
        return f"NOT {_sql(cohort, some.part, who, bound, f'{where}.not', levels - 1)}"
    if isinstance(some, Did | Listed):
        return f"({who} IN {_source(cohort, some, bound, where)})"
    word, nothing = _word(some), "1" if isinstance(some, All) else "0"
    parts = [_sql(cohort, part, who, bound, f"{where}.{word}[{n}]", levels - 1) for n, part in enumerate(some.parts)]
    return f"({f' {word.upper()} '.join(parts)})" if parts else nothing


def _word(some: All | Any) -> str:
    return "and" if isinstance(some, All) else "or"


def _demand_shallow(where: str, levels: int) -> None:
    if not levels:
        raise QueryError(f"{where}: is nested more than {DEEPEST} levels deep")


def _placed_source(cohort: Cohort, some: Placed, bound: Parameters, now: int) -> str:
    """Those who did something until now, or are on a list."""
    part = some.part
    assert isinstance(part, Did | Listed)
    until_now = replace(part, until_ms=min(part.until_ms, now)) if isinstance(part, Did) else part
    return _source(cohort, until_now, bound, some.where)


def _source(cohort: Cohort, some: Did | Listed, bound: Parameters, where: str) -> str:
    """Those who did something, or are on a list, as `member`."""
    return _did(cohort, some, bound, where) if isinstance(some, Did) else _listed(cohort, some.cohort, bound)


def _did(cohort: Cohort, some: Did, bound: Parameters, where: str) -> str:
    since, until = bound.bind(some.since_ms, "Int64"), bound.bind(some.until_ms, "Int64")
    reaching = "toInt64(0)" if some.is_first else since
    times = bound.bind(some.at_least, "UInt64"), bound.bind(some.at_most or 2**63, "UInt64")
    counted = f"count() BETWEEN {times[0]} AND {times[1]}"
    first = f"min(ts) >= fromUnixTimestamp64Milli({since})"
    return text_of(
        "cohort_did",
        who=cohort.who,
        site=bound.bind(cohort.site_id, "String"),
        since=reaching,
        until=until,
        passes=some.what.sql(bound, f"{where}.did"),
        having=first if some.is_first else counted,
    )


def _listed(cohort: Cohort, named: str, bound: Parameters) -> str:
    site = bound.bind(cohort.site_id, "String")
    return text_of("cohort_listed", named=cohort.named, site=site, cohort=bound.bind(named, "String"))
