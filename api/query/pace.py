"""For how long an answer is given although more was stored since it was made: the longer the more it costs, and never for long."""

COST = 20
"""A question that is asked all the time takes at most one part of the time in so many."""
LEAST_MS = 1_000
"""An answer that costs little is given for as long as the sink takes at least from one change to the next."""
COSTLY_MS, LEAST_COSTLY_MS = 50, 2_000
MOST_MS = 5_000
"""And none for longer, whatever it costs."""


def each_ms(cost_ms: int) -> int:
    """For how long an answer is good that took so long."""
    least = LEAST_MS if cost_ms <= COSTLY_MS else LEAST_COSTLY_MS
    return min(max(COST * cost_ms, least), MOST_MS)


def is_good(made_ms: int, cost_ms: int, now_ms: int) -> bool:
    """Whether one may be given that is of before; never where the clock has stepped back since it was made."""
    return 0 <= now_ms - made_ms < each_ms(cost_ms)
