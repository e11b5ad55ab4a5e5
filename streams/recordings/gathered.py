"""Events of sessions, gathered until they are worth an object each, and how far the log was read for them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from pulse.recordings.layout import DAY_MS, day_of
from pulse.recordings.recorded import Meta, Recorded
from streams.recordings.take import Seen, meta_of, recorded

MOST_BYTES = 32 * 1024 * 1024
"""At which what is gathered is written without waiting."""
MOST_EVENTS = 2_000
"""Events of one object; more of a session at a time make several."""
EVENT_BYTES = 500
"""What an event and its part of a session take in memory besides the texts, about."""


class Of(NamedTuple):
    """A session of a site on a day."""

    day: date
    site_id: str
    session_id: str


@dataclass
class Gathered:
    """What was gathered since `began`, a moment by the clock that the reader goes by; `next` is where each partition goes on."""

    began: float = 0.0
    sessions: dict[Of, list[Recorded]] = field(default_factory=dict)
    metas: dict[Of, Meta] = field(default_factory=dict)
    next: dict[int, int] = field(default_factory=dict)
    size: int = 0

    def add(self, events: Iterable[Seen], oldest: date) -> int:
        """Gather events; how many were left out because their day is before `oldest` and would go the next night."""
        old = 0
        days: dict[int, date] = {}
        for seen in events:
            number = seen.ts // DAY_MS
            day = days.get(number) or days.setdefault(number, day_of(seen.ts))
            if day < oldest:
                old += 1
            else:
                self._add(Of(day, seen.site_id, seen.session_id), seen)
        return old

    def is_due(self, now: float, seconds: float) -> bool:
        """Whether it is to be written."""
        return bool(self.next) and (self.size >= MOST_BYTES or now - self.began >= seconds)

    def _add(self, of: Of, seen: Seen) -> None:
        kept = self.sessions.get(of)
        if kept is None:
            self.sessions[of] = kept = []
            self.metas[of] = meta_of(seen)
        kept.append(recorded(seen))
        self.size += EVENT_BYTES + len(seen.url) + len(seen.title) + len(seen.properties)
