"""Whether a request may come in now: there is room in memory, the log or the spool takes it, the rest keeps up."""

from api.collector import answer
from api.collector.access import IMPORT
from api.collector.gather import Gatherer
from api.collector.way import Way
from api.keyring import Key

SHORT_S, LONG_S = 1, 5
"""When to come again: soon if there is merely too much at once, later if something is away."""


class Admission:
    """Turns requests away; at most `most_bytes` may wait in memory to be acknowledged."""

    def __init__(self, way: Way, gatherer: Gatherer, most_bytes: int) -> None:
        self._way = way
        self._gatherer = gatherer
        self._most_bytes = most_bytes

    @property
    def waiting_bytes(self) -> int:
        """Bytes in memory that wait to be acknowledged."""
        return self._way.route.held_bytes + self._gatherer.pending_bytes

    def demand(self, key: Key) -> None:
        """Raises Problem 503 where nothing can be taken now, 429 where what is behind must catch up first."""
        self.demand_room()
        late = self._way.lagging.verdict
        if late.imports_s and self._way.watch.fault is None and (late.all_s or IMPORT in key.scopes):
            whose = "" if late.all_s else ", and imports yield to other events"
            raise answer.slower(
                f"refinement lies {late.behind_s:.0f} s of its work behind{whose}: send the events again later",
                late.all_s or late.imports_s,
            )

    def demand_room(self) -> None:
        """Raises Problem 503 where nothing can be taken now."""
        if self._way.watch.fault is not None or not self._way.route.is_straight:
            fault = self._way.fault()
            if fault is not None:
                raise answer.untaken(fault, LONG_S)
        if self.waiting_bytes > self._most_bytes:
            raise answer.untaken("too much waits for its acknowledgement", SHORT_S)
