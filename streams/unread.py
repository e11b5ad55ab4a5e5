"""The oldest raw record of a partition that is still to be refined, judged by where each lane stands."""

from collections.abc import Callable, Mapping

from streams.broker import Where
from streams.record import Taken

Standing = Mapping[Where, tuple[int, int]]
"""Of each partition of a topic the next offset, and the moment of the last record taken, 0 if none was."""
Highwater = Callable[[Where], int | None]
"""Where a partition ends, None where nothing of it has come yet."""
Heads = Mapping[Where, Taken]
"""The first record that was to be taken when a partition was assigned, if there was one."""


def is_behind(where: Where, offset: int, highwater: Highwater) -> bool:
    """Whether there is something to take, as far as that is known."""
    end = highwater(where)
    return end is not None and end > offset


def since(partition: int, lanes: Standing, highwater: Highwater, heads: Heads) -> int | None:
    """A moment, in ms since the epoch, before which nothing of a partition is left to be refined; None if nothing is."""
    found = []
    for where, (offset, taken) in lanes.items():
        is_waited_for = not taken and highwater(where) is None
        if where[1] == partition and (is_waited_for or is_behind(where, offset, highwater)):
            found += [taken] if taken else [heads[where].timestamp] if where in heads else []
    return min(found, default=None)
