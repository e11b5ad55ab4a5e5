"""Names of objects: `sessions/YYYY/MM/DD/{site}/{session}/meta.json` and `…/events/{timestamp}-{event_id}-….json`.

The day (UTC) is that of the events themselves, so that a session over midnight lies under both days.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

from pulse.recordings.recorded import Recorded
from pulse.recordings.store import Named

ROOT = "sessions"
META = "meta.json"
DAY_MS = 86_400_000

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,100}")
_PIECE = re.compile(r"(\d{13})-(.+)-(\d{1,13})-([0-9a-f]{16})\.json")


class Piece(NamedTuple):
    """An object with events of a session: the times of the first and the last, in ms."""

    name: str
    size: int
    first: int
    last: int


def day_of(ms: int) -> date:
    """The day (UTC) of a moment."""
    return datetime.fromtimestamp(ms // 1000, UTC).date()


def folder_of_day(day: date) -> str:
    """Where all sessions of a day lie."""
    return f"{ROOT}/{day:%Y/%m/%d}"


def session_name(session_id: str) -> str:
    """A session's folder: the id itself where it may be one, else a hash of it."""
    if _PLAIN.fullmatch(session_id):
        return session_id
    return "h." + blake2b(session_id.encode(errors="replace"), digest_size=16).hexdigest()


def folder_of(day: date, site_id: str, session: str) -> str:
    """Where a session of a site lies on a day; `session` is its folder's name."""
    return f"{folder_of_day(day)}/{site_id}/{session}"


def piece_name(folder: str, events: Sequence[Recorded], content: bytes) -> str:
    """The name of an object that holds these events as this content.

    It follows from the content alone: what is written again after a death takes the same place, and what was gathered
    otherwise another, so that nothing that was written is ever written over.
    """
    first = min(events, key=lambda each: (each.ts, each.event_id))
    span = max(each.ts for each in events) - first.ts
    return f"{folder}/events/{first.ts:013d}-{first.event_id}-{span}-{xxh3_64_intdigest(content):016x}.json"


def piece_of(found: Named) -> Piece | None:
    """The piece that an object is; None if it is none."""
    parts = _PIECE.fullmatch(found.name.rpartition("/")[2])
    if parts is None or not found.name.rpartition("/")[0].endswith("/events"):
        return None
    first = int(parts[1])
    return Piece(found.name, found.size, first, first + int(parts[3]))


def session_in(name: str) -> str:
    """The session's folder that an object lies in: the sixth part of its name."""
    return name.split("/")[5]
