"""Sessions as they lie in the store: which there are, the newest first, and one as a whole."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import accumulate, islice
from logging import getLogger
from typing import NamedTuple, TypeVar

from msgspec import DecodeError

from pulse.errors import NotFound
from pulse.recordings.layout import META, ROOT, Piece, folder_of, folder_of_day, piece_of, session_in, session_name
from pulse.recordings.recorded import Meta, Recorded, decode, decode_meta, merged
from pulse.recordings.store import Objects

AT_ONCE = 16
MOST_BYTES = 16 * 1024 * 1024
"""How much of a session is read: days of a page that tells each move of the mouse; the rest is left out."""

Given = TypeVar("Given")
Got = TypeVar("Got")

log = getLogger(__name__)


class Span(NamedTuple):
    """A session as far as names tell it: its first day, its first object, its first and last event, objects and bytes."""

    day: date
    name: str
    first: int
    last: int
    objects: int
    size: int


class Summary(NamedTuple):
    """A session in a list."""

    meta: Meta
    span: Span


def days(objects: Objects) -> list[date]:
    """The days of which there is anything, the newest first."""
    found = []
    for year in objects.folders(ROOT):
        for month in objects.folders(f"{ROOT}/{year}"):
            for day in objects.folders(f"{ROOT}/{year}/{month}"):
                found += _dates(year, month, day)
    return sorted(found, reverse=True)


def sessions(
    objects: Objects, site_id: str, visitor_id: str | None, offset: int, limit: int, before: date | None = None
) -> list[Summary]:
    """Sessions of a site, perhaps of one visitor, perhaps only as of the days before one, those that began last first."""
    begun = _begun(objects, site_id, [day for day in days(objects) if before is None or day < before])
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="recordings") as pool:
        if visitor_id is None:
            chosen = islice(begun, offset, offset + limit)
            return list(pool.map(lambda each: _summary(objects, site_id, *each), chosen))
        theirs = _theirs(pool, begun, lambda each: _summary(objects, site_id, *each), visitor_id)
        return list(islice(theirs, offset, offset + limit))


class Whole(NamedTuple):
    """A session's events; what was beyond the bound is not among them."""

    events: list[Recorded]
    truncated: bool


def session(objects: Objects, site_id: str, session_id: str) -> list[Recorded]:
    """The events of a session, as `whole` tells them."""
    return whole(objects, site_id, session_id).events


def whole(objects: Objects, site_id: str, session_id: str) -> Whole:
    """All events of a session in the order of their time, whichever days they are of, the first MOST_BYTES of them.

    Raises NotFound where there are none.
    """
    folder = session_name(session_id)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="recordings") as pool:
        found = pool.map(lambda day: list(_pieces(objects, folder_of(day, site_id, folder))), days(objects))
        pieces = sorted((piece for of_day in found for piece in of_day), key=lambda each: (each.first, each.name))
        some = _bounded(pieces)
        events = merged(list(pool.map(lambda piece: _events(objects, piece, session_id), some)))
    if not events:
        raise NotFound(f"there is no recording of a session {session_id!r}")
    return Whole(events, len(some) < len(pieces))


def _bounded(pieces: Sequence[Piece]) -> Sequence[Piece]:
    sizes = accumulate(piece.size for piece in pieces)
    return pieces[: max(sum(size <= MOST_BYTES for size in sizes), 1)]


def _dates(year: str, month: str, day: str) -> list[date]:
    try:
        made = date(int(year), int(month), int(day))
    except ValueError:
        return []
    return [made] if f"{made:%Y/%m/%d}" == f"{year}/{month}/{day}" else []


def _begun(objects: Objects, site_id: str, of: Sequence[date]) -> Iterator[tuple[str, Span]]:
    """Folders of sessions, those that began last first. What lies on days side by side is one; a day's names are read at once."""
    told: set[str] = set()
    carried: dict[str, Span] = {}
    before: date | None = None
    for day in of:
        here = _spans(objects, day, site_id)
        goes_on = before is not None and before - day == timedelta(days=1)
        ended = {name: span for name, span in carried.items() if not goes_on or name not in here}
        yield from _unless_told(ended, told)
        carried = {name: _joined(span, carried.get(name) if goes_on else None) for name, span in here.items()}
        before = day
    yield from _unless_told(carried, told)


def _unless_told(begun: dict[str, Span], told: set[str]) -> Iterator[tuple[str, Span]]:
    for name, span in sorted(begun.items(), key=lambda each: (-each[1].first, each[0])):
        if name not in told:
            told.add(name)
            yield name, span


def _joined(span: Span, later: Span | None) -> Span:
    if later is None:
        return span
    return Span(
        span.day,
        span.name if (span.first, span.name) <= (later.first, later.name) else later.name,
        min(span.first, later.first),
        max(span.last, later.last),
        span.objects + later.objects,
        span.size + later.size,
    )


def _spans(objects: Objects, day: date, site_id: str) -> dict[str, Span]:
    found: dict[str, Span] = {}
    for piece in _pieces(objects, f"{folder_of_day(day)}/{site_id}"):
        name = session_in(piece.name)
        found[name] = _joined(Span(day, piece.name, piece.first, piece.last, 1, piece.size), found.get(name))
    return found


def _pieces(objects: Objects, folder: str) -> Iterator[Piece]:
    return filter(None, map(piece_of, objects.names(folder)))


def _events(objects: Objects, piece: Piece, session_id: str) -> list[Recorded]:
    """The events of a piece; none where it has just been deleted, or cannot be read."""
    try:
        return [each for each in decode(objects.get(piece.name)) if each.session_id == session_id]
    except NotFound:
        return []
    except DecodeError as error:
        log.error("an object of a recording cannot be read: %s", error, extra={"object": piece.name})
        return []


def _summary(objects: Objects, site_id: str, name: str, span: Span) -> Summary:
    try:
        meta = decode_meta(objects.get(f"{folder_of(span.day, site_id, name)}/{META}"))
    except (NotFound, DecodeError):
        meta = _meta_from(objects, site_id, name, span)
    return Summary(meta, span)


def _meta_from(objects: Objects, site_id: str, name: str, span: Span) -> Meta:
    """What a session's first events tell of it: its own object went when somebody was forgotten, and the session went on."""
    try:
        first = decode(objects.get(span.name))[0]
    except (NotFound, DecodeError, IndexError):
        return Meta(site_id=site_id, session_id=name)
    return Meta(
        site_id=site_id,
        session_id=first.session_id,
        visitor_id=first.visitor_id,
        user_id=first.user_id,
        started_at=first.ts,
        url=first.url,
        screen=first.screen,
    )


def _theirs(
    pool: ThreadPoolExecutor,
    begun: Iterator[tuple[str, Span]],
    look: Callable[[tuple[str, Span]], Summary],
    visitor_id: str,
) -> Iterator[Summary]:
    while some := list(islice(begun, AT_ONCE * 8)):
        yield from (each for each in pool.map(look, some) if each.meta.visitor_id == visitor_id)


def names_of(objects: Objects, folders: Iterable[str]) -> list[str]:
    """The names of all objects in these folders."""
    return [each.name for folder in folders for each in objects.names(folder)]


def folders_on(of: Sequence[date], site_id: str, session: str) -> list[str]:
    """Where a session would lie on these days; `session` is its folder's name."""
    return [folder_of(day, site_id, session) for day in of]
