"""Leaving an endpoint alone that fails and fails: everything waits, and from time to time one delivery tries."""

from collections.abc import Callable
from dataclasses import dataclass

AT_ONCE = 4
"""Deliveries that one endpoint is sent at a time by a process, while it answers."""
OPENS_AFTER = 10
"""Failures in a row."""
SHORTEST_S = 30.0
LONGEST_S = 300.0


def pause_s(failures: int, opens_after: int = OPENS_AFTER) -> float:
    """For how long an endpoint is left alone after so many failures in a row: 0 below ten, then 30 s, doubling to 5 minutes."""
    if failures < opens_after:
        return 0.0
    return min(SHORTEST_S * 2.0 ** min(failures - opens_after, 10), LONGEST_S)


def at_once(failures: int) -> int:
    """How many deliveries an endpoint is sent at a time: one, after a failure, until something succeeds."""
    return 1 if failures else AT_ONCE


def state(failures: int, blocked_until: int, now: int, opens_after: int = OPENS_AFTER) -> str:
    """``closed``, ``open`` (left alone until `blocked_until`) or ``trial`` (the next delivery decides)."""
    if blocked_until > now:
        return "open"
    return "trial" if failures >= opens_after else "closed"


@dataclass(frozen=True)
class Standing:
    """How an endpoint does: failures in a row, since when there were only failures, until when it is left alone; in ms."""

    failures: int = 0
    since: int | None = None
    blocked_until: int = 0


HEALTHY = Standing()


def after_failure(
    before: Standing, at: int, now: int, asked_s: float = 0.0, pause: Callable[[int], float] = pause_s
) -> Standing:
    """The standing after an attempt made at `at` failed; the receiver asked to be left alone for `asked_s`."""
    failures = before.failures + 1
    alone_s = max(pause(failures), asked_s)
    since = at if before.since is None else before.since
    return Standing(failures, since, max(before.blocked_until, now + int(alone_s * 1000) if alone_s else 0))
