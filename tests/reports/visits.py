"""What the reports of pages, sources and new visitors must answer, counted by hand."""

from collections import defaultdict
from collections.abc import Sequence

from clickhouse.reports.newness import Newness
from clickhouse.reports.pages import Page
from clickhouse.reports.scope import Scope
from clickhouse.reports.sources import Source
from tests.reports.events import Event
from tests.reports.filtering import passes, text_of
from tests.reports.query import sessions_of


def pages(events: Sequence[Event], scope: Scope) -> tuple[list[Page], Page]:
    """The pages by their views, and the whole."""
    seen: dict[str, list[tuple[Event, int, list[Event]]]] = defaultdict(list)
    for session in sessions_of(_ranged(events, scope)).values():
        views = [each for each in _in_order(session) if each.event == "page_view"]
        for place, view in enumerate(views):
            if _counts(view, scope):
                seen[view.path].append((view, place, views))
    rows = sorted((_page(path, found) for path, found in seen.items()), key=lambda page: (-page.views, page.path))
    return rows, _page("", [each for found in seen.values() for each in found])


def _page(path: str, found: Sequence[tuple[Event, int, list[Event]]]) -> Page:
    first = [views for _, place, views in found if place == 0]
    stays = [views[place + 1].ts - view.ts for view, place, views in found if place + 1 < len(views)]
    return Page(
        path,
        len(found),
        len({view.visitor_id for view, _, _ in found}),
        len(first),
        sum(place + 1 == len(views) for _, place, views in found),
        sum(len(views) == 1 for views in first) / len(first) if first else None,
        sum(stays) / len(stays) / 1000 if stays else None,
    )


def sources(events: Sequence[Event], scope: Scope, field: str) -> tuple[list[Source], Source]:
    """The sources by their sessions, and the whole."""
    found: dict[str, list[list[Event]]] = defaultdict(list)
    for session in sessions_of(_ranged(events, scope)).values():
        if any(_counts(each, scope) for each in session):
            ordered = _in_order(session)
            found[text_of(ordered[0], field)].append(ordered)
    rows = sorted((_source(name, own) for name, own in found.items()), key=lambda each: (-each.sessions, each.name))
    return rows, _source("", [session for own in found.values() for session in own])


def _source(name: str, sessions: Sequence[list[Event]]) -> Source:
    views = [sum(each.event == "page_view" for each in session) for session in sessions]
    viewed = [each for each in views if each]
    lasted = [session[-1].ts - session[0].ts for session in sessions]
    return Source(
        name,
        len(sessions),
        len({session[0].visitor_id for session in sessions}),
        sum(views),
        viewed.count(1) / len(viewed) if viewed else None,
        sum(lasted) / len(lasted) / 1000 if lasted else None,
    )


def newness(events: Sequence[Event], scope: Scope) -> Newness:
    """New and returning visitors."""
    own = [each for each in _ranged(events, scope) if _counts(each, scope)]
    known = {each.visitor_id for each in events if each.site_id == scope.site_id and each.ts < scope.start_ms}
    new = [each for each in own if each.visitor_id not in known]
    returning = [each for each in own if each.visitor_id in known]
    people = [len({each.visitor_id for each in some}) for some in (new, returning)]
    return Newness(people[0], len(new), people[1], len(returning), 0, 0.0)


def _ranged(events: Sequence[Event], scope: Scope) -> list[Event]:
    return [each for each in events if each.site_id == scope.site_id and scope.start_ms <= each.ts < scope.end_ms]


def _counts(event: Event, scope: Scope) -> bool:
    return passes(event, scope.filter) and (scope.bots == "include" or event.bot == (scope.bots == "only"))


def _in_order(session: Sequence[Event]) -> list[Event]:
    return sorted(session, key=lambda each: (each.ts, each.event_id))
