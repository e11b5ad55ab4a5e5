"""Whether the lane of imports and floods may take a batch now: it yields to live traffic, but is never stopped for good."""

from typing import NamedTuple

LIVE_S = 0.25
"""Live records that wait for longer than this are behind: one batch of either lane takes less."""
SINK_S = 1.5
"""The sink is behind if it has not stored what was there so long ago; a block of it takes about half of that."""
SHARE_S = 1.0
"""However much there is to do, so often one batch is taken."""


class Busy(NamedTuple):
    """For how many seconds live records have waited without a break, and how far the sink is behind."""

    live_s: float
    sink_s: float

    @property
    def is_calm(self) -> bool:
        """Whether nobody waits who should not."""
        return self.live_s <= LIVE_S and self.sink_s <= SINK_S


def may_take(busy: Busy, since_last_s: float) -> bool:
    """Whether a batch may be taken, so many seconds after the one before."""
    return busy.is_calm or since_last_s >= SHARE_S
