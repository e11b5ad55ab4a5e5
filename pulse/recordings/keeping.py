"""How long recordings stay: those of days that are too old go, those of who is to be forgotten too."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from msgspec import DecodeError

from pulse.errors import NotFound
from pulse.recordings.layout import DAY_MS, day_of, folder_of_day, piece_of, session_in, session_name
from pulse.recordings.reading import days, folders_on, names_of
from pulse.recordings.recorded import Recorded, decode
from pulse.recordings.store import Named, Objects

AT_MS = 3 * 3_600_000
"""When in the night the old ones go: 3 o'clock, UTC."""


class Pruned(NamedTuple):
    """What went, and what is left: objects and their bytes."""

    gone: int
    gone_bytes: int
    left: int
    left_bytes: int


def due_at(now: int) -> int:
    """The last 3 o'clock, UTC, in ms."""
    return (now - AT_MS) // DAY_MS * DAY_MS + AT_MS


def oldest_kept(now: int, keep_days: int) -> date:
    """The first day that stays."""
    return day_of(now) - timedelta(days=keep_days)


def prune(objects: Objects, oldest: date) -> Pruned:
    """Delete all objects of the days before `oldest`, by the days in their names; whenever they were written."""
    gone, left = [0, 0], [0, 0]
    for day in days(objects):
        found = list(objects.names(folder_of_day(day)))
        counted = left
        if day < oldest:
            objects.delete([each.name for each in found])
            counted = gone
        counted[0] += len(found)
        counted[1] += sum(each.size for each in found)
    return Pruned(*gone, *left)


def forget(objects: Objects, site_id: str, is_theirs: Callable[[Recorded], bool]) -> int:
    """Delete the sessions of a site in which somebody is; how many objects went. Every object of the site is read."""
    kept = days(objects)
    whose = {
        session_in(each.name)
        for day in kept
        for each in objects.names(f"{folder_of_day(day)}/{site_id}")
        if piece_of(each) is not None and any(map(is_theirs, _events(objects, each)))
    }
    return sum(_forget(objects, site_id, name, kept) for name in whose)


def forget_session(objects: Objects, site_id: str, session_id: str) -> int:
    """Delete one session of a site; how many objects went."""
    return _forget(objects, site_id, session_name(session_id), days(objects))


def _forget(objects: Objects, site_id: str, session: str, kept: list[date]) -> int:
    names = names_of(objects, folders_on(kept, site_id, session))
    objects.delete(names)
    return len(names)


def _events(objects: Objects, found: Named) -> list[Recorded]:
    try:
        return decode(objects.get(found.name))
    except (NotFound, DecodeError):
        return []
