"""Who is in a cohort, told by hand."""

from collections.abc import Mapping, Sequence

from clickhouse.reports.cohort import All, Any, Cohort, Did, Listed, Members, Without
from clickhouse.reports.filter import AllOf, AnyOf, Filter, InCohort, Not
from clickhouse.reports.happening import Happening
from tests.reports.events import Event
from tests.reports.filtering import passes

Lists = Mapping[str, set[str]]


def name_of(event: Event, kind: str) -> str:
    """Who did an event, as a cohort of this kind names them."""
    if kind == "visitors":
        return event.visitor_id
    return f"u{event.user_id}" if event.user_id else f"v{event.visitor_id}"


def is_in(who: str, cohort: Cohort, events: Sequence[Event], lists: Lists) -> bool:
    """Whether somebody is a member, by all events of the site."""
    own = [each for each in events if each.site_id == cohort.site_id and name_of(each, cohort.kind) == who]
    return _is(who, cohort.members, own, lists)


def _is(who: str, some: Members, own: Sequence[Event], lists: Lists) -> bool:
    match some:
        case Without(part):
            return not _is(who, part, own, lists)
        case All(parts):
            return all(_is(who, part, own, lists) for part in parts)
        case Any(parts):
            return any(_is(who, part, own, lists) for part in parts)
        case Listed(cohort):
            return who in lists.get(cohort, set())
        case Did():
            return _did(some, own)


def _did(some: Did, own: Sequence[Event]) -> bool:
    times = [each.ts for each in own if fits(each, some.what) and each.ts < some.until_ms]
    if some.is_first:
        return bool(times) and min(times) >= some.since_ms
    count = sum(ts >= some.since_ms for ts in times)
    return some.at_least <= count <= (some.at_most or count)


def fits(event: Event, what: Happening) -> bool:
    """Whether an event is one."""
    return what.event in ("", event.event) and passes(event, what.filter)


def passes_among(
    event: Event, some: Filter, cohorts: Mapping[str, Cohort], events: Sequence[Event], lists: Lists
) -> bool:
    """Whether an event passes a filter that may ask for membership."""
    match some:
        case InCohort(name):
            cohort = cohorts[name]
            return is_in(name_of(event, cohort.kind), cohort, events, lists)
        case AllOf(parts):
            return all(passes_among(event, part, cohorts, events, lists) for part in parts)
        case AnyOf(parts):
            return any(passes_among(event, part, cohorts, events, lists) for part in parts)
        case Not(part):
            return not passes_among(event, part, cohorts, events, lists)
        case _:
            return passes(event, some)
