"""How long recordings stay: those of days that are too old go, those of who is to be forgotten too."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from msgspec import DecodeError

from pulse.errors import NotFound, Unavailable
from pulse.recordings.layout import DAY_MS, day_of, folder_of_day, piece_of, session_in, session_name
from pulse.recordings.reading import days, folders_on, names_of
from pulse.recordings.recorded import Recorded, decode
from pulse.recordings.store import Named, Objects

AT_MS = 3 * 3_600_000
"""When in the night the old ones go: 3 o'clock, UTC."""

STAGED_S = 3_600
"""After which what was staged is nobody's any more: a put takes seconds."""

_STAGED = re.compile(r".+#\d+").fullmatch


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


def sweep(objects: Objects, now: int) -> int:
    """Delete what a death left half written in a folder, which no list of objects names; how many files went."""
    if objects.folder is None:
        return 0
    staged = (each for each in objects.folder.rglob("*#*") if _STAGED(each.name))
    return sum(_is_swept(each, now / 1000 - STAGED_S) for each in staged)


def whose(objects: Objects, site_id: str, is_theirs: Callable[[Recorded], bool]) -> dict[str, str]:
    """The sessions of a site in which somebody is, by their folders' names. Every object of the site is read."""
    return {
        session_in(each.name): theirs.session_id
        for day in days(objects)
        for each in objects.names(f"{folder_of_day(day)}/{site_id}")
        if piece_of(each) is not None and (theirs := next(filter(is_theirs, _events(objects, each)), None))
    }


def forget(objects: Objects, site_id: str, is_theirs: Callable[[Recorded], bool]) -> int:
    """Delete the sessions of a site in which somebody is; how many objects went. Every object of the site is read."""
    kept = days(objects)
    return sum(_forget(objects, site_id, name, kept) for name in whose(objects, site_id, is_theirs))


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


def _is_swept(file: Path, before_s: float) -> bool:
    try:
        if not file.is_file() or file.stat().st_mtime >= before_s:
            return False
        file.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Unavailable(f"the store of recordings does not answer ({type(error).__name__})") from None
    return True
