"""Where all stands that this process reads: what Faust takes, and the lane that is read beside it."""

from streams.broker import Where
from streams.lane import Lane
from streams.ownership import Ownership
from streams.unread import Heads, Highwater, Standing, since


class Reading:
    """`live_end` tells where a partition that Faust reads ends; `lanes` are the topics of the raw log."""

    def __init__(self, ownership: Ownership, lane: Lane, live_end: Highwater, lanes: tuple[str, ...]) -> None:
        self._ownership = ownership
        self._lane = lane
        self._live_end = live_end
        self._lanes = lanes

    def standing(self) -> Standing:
        """Of each partition the next offset, and the moment of the last record taken."""
        return {**self._ownership.standing(), **self._lane.standing()}

    def end(self, where: Where) -> int | None:
        """Where a partition ends, as far as its consumer was told."""
        return self._lane.highwater(where) if where[0] == self._lane.topic else self._live_end(where)

    def unread(self, partition: int, left: Heads) -> int | None:
        """Since when records of a partition may be left to be refined, in whatever lane; `left` at its assignment."""
        lanes = {where: at for where, at in self.standing().items() if where[0] in self._lanes}
        return since(partition, lanes, self.end, left)
