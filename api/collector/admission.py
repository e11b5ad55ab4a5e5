"""Whether a request may come in now: there is room in memory, the log or the spool takes it, the rest keeps up."""

from collections.abc import Sequence

from api.collector import answer
from api.collector.gather import Gatherer
from api.collector.judge import Judged
from api.collector.lane import Reason
from api.collector.way import Way
from pulse.topics import RAW, SLOW

SHORT_S, LONG_S = 1, 5
"""When to come again: soon if there is merely too much at once, later if something is away."""


class Admission:
    """Turns requests away; at most `most_bytes` may wait in memory to be acknowledged."""

    def __init__(self, way: Way, gatherers: Sequence[Gatherer], most_bytes: int) -> None:
        self._way = way
        self._gatherers = gatherers
        self._most_bytes = most_bytes

    @property
    def waiting_bytes(self) -> int:
        """Bytes in memory that wait to be acknowledged."""
        return self._way.route.held_bytes + sum(each.pending_bytes for each in self._gatherers)

    def demand(self, yields: bool) -> None:
        """Raises Problem 503 where nothing can be taken now, 429 where what is behind must catch up first.

        A request that yields waits for those that yielded before it, all others for each other.
        """
        self.demand_room()
        self._demand_lane(SLOW if yields else RAW)

    def demand_history(self, judged: Judged) -> None:
        """Raises Problem 429 where history of an importing key has to wait. A flood has not: its sender knows of none."""
        if Reason.OLD in judged.yielding:
            self._demand_lane(SLOW)

    def demand_room(self) -> None:
        """Raises Problem 503 where nothing can be taken now."""
        if self._way.watch.fault is not None or not self._way.route.is_straight:
            fault = self._way.fault()
            if fault is not None:
                raise answer.untaken(fault, LONG_S)
        if self.waiting_bytes > self._most_bytes:
            raise answer.untaken("too much waits for its acknowledgement", SHORT_S)

    def _demand_lane(self, topic: str) -> None:
        late = self._way.lagging[topic].verdict
        if late.wait_s and self._way.watch.fault is None:
            whose = "" if topic == RAW else " with what yields to other events"
            raise answer.slower(
                f"refinement lies {late.behind_s:.0f} s of its work behind{whose}: send the events again later",
                late.wait_s,
            )
