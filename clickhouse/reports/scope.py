"""What every report is asked of: a site, a range of time, a filter, with or without bots."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from clickhouse.reports.filter import NOTHING, AllOf, Filter, Membership, Parameters, sql_of

Bots = Literal["include", "exclude", "only"]
Unit = Literal["users", "visitors", "sessions"]
"""Who is counted: people where known, else visitors; visitors, those of one person together; sessions."""

_BOTS = {"include": "1", "exclude": "NOT bot", "only": "bot"}


@dataclass(frozen=True)
class Scope:
    """The events of a site with `start_ms` ≤ time < `end_ms` that pass the filter; local time is that of `timezone`.

    `people` is the dictionary of who is behind the site's visitors, empty where nobody was identified.
    """

    site_id: str
    start_ms: int
    end_ms: int
    timezone: str = "UTC"
    filter: Filter = NOTHING
    bots: Bots = "include"
    cohorts: Mapping[str, Membership] = field(default_factory=dict, compare=False)
    people: str = field(default="", compare=False)

    def who(self, unit: Unit) -> str:
        """The expression that tells one unit from another."""
        return who_of(unit, self.people)

    def parameters(self) -> Parameters:
        """What each statement takes; `filtered` makes the rest."""
        given = {"site": self.site_id, "start": self.start_ms, "end": self.end_ms, "timezone": self.timezone}
        return Parameters(given, self.cohorts)

    def filtered(self, bound: Parameters, *more: Filter) -> str:
        """The filter as an expression, with further ones."""
        return f"{_BOTS[self.bots]} AND {sql_of(AllOf((self.filter, *more)) if more else self.filter, bound)}"


WHO: Mapping[Unit, str] = {
    "users": "if(user_id = '', concat('v', visitor_id), concat('u', user_id))",
    "visitors": "visitor_id",
    "sessions": "session",
}
"""Who did an event where nobody was identified; sessions only in the rows that `source.rows_of` makes for them."""
IDENTIFIED: Mapping[Unit, str] = {
    "users": "multiIf(user_id != '', concat('u', user_id), $person != '', concat('u', $person), concat('v', visitor_id))",
    "visitors": "if($person = '', visitor_id, concat('\\0', $person))",
    "sessions": "session",
}
"""The same where people stand behind visitors: an event that names a person is that person's."""
NAMED: Mapping[Unit, str] = {
    "users": "if(startsWith(who, 'v') AND $person != '', concat('u', $person), who)",
    "visitors": "if($person = '', who, concat('\\0', $person))",
}
"""Who is meant by the name `who` that somebody wrote down, of a visitor perhaps, who has been identified since."""
KEPT: Mapping[Unit, str] = {
    "users": "multiIf(named, person, $person != '', reinterpretAsUInt128(sipHash128(concat('u', $person))), person)",
    "visitors": "if($person = '', visitor, reinterpretAsUInt128(sipHash128(concat('\\0', $person))))",
}
"""Whose a row of `activity` is, by the hash of their name."""
PERSON = "\0"
"""By what a person's name begins where visitors are counted, beside whose ids it stands."""


def who_of(unit: Unit, people: str) -> str:
    """The expression that tells one unit from another, with the dictionary of people where there is one."""
    return IDENTIFIED[unit].replace("$person", _person(people, "visitor_id")) if people else WHO[unit]


def hashed_of(unit: Unit, people: str) -> str:
    """The expression that tells one unit from another by 128 bits of a hash, as rows of `activity` do."""
    return f"reinterpretAsUInt128(sipHash128({who_of(unit, people)}))"


def kept_of(unit: Unit, people: str) -> str:
    """The same of a row of `activity`."""
    if not people:
        return "person" if unit == "users" else "visitor"
    return KEPT[unit].replace("$person", _person(people, "visitor_id"))


def named_of(unit: Unit, people: str) -> str:
    """The expression for who is meant by `who`."""
    visitor = "substring(who, 2)" if unit == "users" else "who"
    return NAMED[unit].replace("$person", _person(people, visitor)) if people else "who"


def _person(people: str, visitor: str) -> str:
    return f"dictGetOrDefault('{people}', 'user_id', (site_id, {visitor}), '')"
