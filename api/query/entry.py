"""An answer as Redis keeps it: when it was made, what that cost, what its site was like then, and what it tells."""

from contextlib import suppress
from typing import NamedTuple

from api.query.pace import due_ms, each_ms

KEEP = """
local made = tonumber(string.match(redis.call('GETRANGE', KEYS[1], 0, 31), '^%d+'))
if made and made > tonumber(ARGV[2]) and made <= tonumber(ARGV[3]) then return 0 end
local kept = redis.pcall('SET', KEYS[1], ARGV[1], 'EX', ARGV[4])
if type(kept) == 'table' and kept.err then redis.call('DEL', KEYS[1]) return 0 end
return 1
"""
"""Keeps an answer unless a newer one is kept; where it does not fit the older one goes. What a clock that stepped made later than now
is not newer."""


class State(NamedTuple):
    """What tells a site's answers from older ones: the number of what somebody altered, and how often more was stored of it."""

    altered: bytes
    stored: bytes


class Entry(NamedTuple):
    """An answer; it tells of all that was stored before the making of it began, at `made_ms`."""

    made_ms: int
    cost_ms: int
    of: State
    body: bytes

    def as_bytes(self) -> bytes:
        """As it is kept."""
        return b"\n".join((b"%d" % self.made_ms, b"%d" % self.cost_ms, *self.of, self.body))

    def answers(self, state: State, now_ms: int, most_ms: int) -> bool:
        """Whether it may be given where the site is like that now; for `most_ms` at most also after more was stored.

        Never where the clock has stepped back since it was made.
        """
        if self.of == state:
            return True
        return self.of.altered == state.altered and 0 <= now_ms - self.made_ms < each_ms(self.cost_ms, most_ms)

    def is_due(self, state: State, now_ms: int, most_ms: int, rate: float) -> bool:
        """Whether it is to be made anew although it may be given, where so many answers a second are asked for."""
        return self.of != state and now_ms - self.made_ms >= due_ms(self.cost_ms, rate, most_ms)


def read(kept: bytes) -> Entry | None:
    """An answer that is kept, None where it is none."""
    parts = kept.split(b"\n", 4)
    with suppress(ValueError):
        if len(parts) == 5:
            return Entry(int(parts[0]), int(parts[1]), State(parts[2], parts[3]), parts[4])
    return None
