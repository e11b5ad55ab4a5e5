"""Which partitions stand still though there is something to take: then the consumer is dead."""

from collections.abc import Mapping

from streams.broker import Where

STALLED_S = 60.0
"""So long may a partition lie behind, with Kafka there, without a record of it being taken."""


class Stalls:
    """Remembers since when each partition has stood where it stands, behind its end."""

    def __init__(self) -> None:
        self._since: dict[Where, tuple[int, float]] = {}

    def forget(self) -> None:
        """Begin anew: there is a good reason for taking nothing."""
        self._since.clear()

    def look(self, standing: Mapping[Where, int], ends: Mapping[Where, int], now: float) -> dict[Where, int]:
        """The partitions that have stood still for too long, with the offset that each waits at.

        `standing` is the next offset of each partition, `ends` where each ends, `now` in seconds. What has only just
        been written is no reason: a partition must have been seen behind at the same offset so long ago.
        """
        behind = {where: offset for where, offset in standing.items() if ends.get(where, 0) > offset}
        self._since = {
            where: self._since[where] if self._since.get(where, (-1, 0.0))[0] == offset else (offset, now)
            for where, offset in behind.items()
        }
        return {where: offset for where, (offset, since) in self._since.items() if now - since >= STALLED_S}
