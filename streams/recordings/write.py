"""What was gathered, into the store: an object for each session and day, beside one that says what session it is."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from pulse.recordings.layout import META, folder_of, piece_name, session_name
from pulse.recordings.recorded import Meta, Recorded, encode, encode_meta
from pulse.recordings.store import Objects
from streams.recordings import meters
from streams.recordings.gathered import MOST_EVENTS, Gathered, Of

AT_ONCE = 16
MOST_BEGUN = 200_000
"""Sessions of which it is remembered that they say already what they are."""


class Writer:
    """Writes; any number may, of any processes, at the same time: no object is ever read or changed for it."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._begun: dict[Of, None] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="recordings")

    def write(self, gathered: Gathered) -> None:
        """Return when all of it is in the store; raises Unavailable, and then it is to be written again as a whole."""
        for of, size in self._pool.map(lambda each: self._put(*each), _shares(gathered)):
            self._begun[of] = None
            meters.BYTES.inc(size)
        for of in list(islice(self._begun, max(len(self._begun) - MOST_BEGUN, 0))):
            del self._begun[of]

    def close(self) -> None:
        """Give back the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _put(self, of: Of, meta: Meta, events: list[Recorded]) -> tuple[Of, int]:
        folder, size = folder_of(of.day, of.site_id, session_name(of.session_id)), 0
        if of not in self._begun and self._objects.put_once(f"{folder}/{META}", encode_meta(meta)):
            meters.WRITTEN.labels("session").inc()
        for begin in range(0, len(events), MOST_EVENTS):
            some = events[begin : begin + MOST_EVENTS]
            content = encode(some)
            self._objects.put(piece_name(folder, some, content), content)
            meters.WRITTEN.labels("events").inc()
            size += len(content)
        return of, size


def _shares(gathered: Gathered) -> Iterator[tuple[Of, Meta, list[Recorded]]]:
    for of, events in gathered.sessions.items():
        yield of, gathered.metas[of], events
