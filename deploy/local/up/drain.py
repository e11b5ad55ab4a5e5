"""Waiting, before the log is stopped, until everything in it is stored."""

import time
from collections.abc import Callable

from pulse.errors import Unavailable

DEADLINE_S = 60.0
POLL_S = 0.1


def drain(
    measure: Callable[[], int],
    enough: Callable[[], bool],
    show: Callable[[str], None],
    tell: Callable[[str], None],
    *,
    keeps_log: bool,
    deadline_s: float = DEADLINE_S,
) -> int | None:
    """Wait until `measure` finds no record that is yet to be stored; what is left, None if that cannot be told.

    A log that is kept is waited for no longer than the deadline: what is left is stored after the next start. One in
    memory is waited for until there is `enough()` of it, because what is left would be lost.
    """
    until, warned = time.monotonic() + deadline_s, False
    while True:
        left = _look(measure)
        if left == 0 or enough():
            return left
        show(f"storing what was accepted: {_records(left)} left")
        if time.monotonic() >= until:
            if keeps_log:
                return left
            if not warned:
                tell(would_be_lost(left))
                warned = True
        time.sleep(POLL_S)


def would_be_lost(left: int | None) -> str:
    """What is said when the embedded log does not run empty."""
    return (
        f"{_records(left)} are not stored yet and would be lost, because the embedded log is in memory only: "
        "still waiting; `make status` tells what is away; Ctrl-C again, or `pulse down --now`, stops all the same"
    )


def remains(left: int | None, keeps_log: bool) -> str:
    """What is said in the end about records that were not stored; empty if there are none."""
    if left == 0:
        return ""
    if keeps_log:
        return f"{_records(left)} remain in Kafka, which keeps them: they are stored after the next start"
    return f"{_records(left)} were not stored and are lost with the embedded log"


def spooled(size: int) -> str:
    """What is said in the end about events that Kafka did not take; empty if there are none."""
    if not size:
        return ""
    return (
        f"{size / 1_000_000:.1f} MB of accepted events remain on disk in the collector's spool, because Kafka did not "
        "take them: they are sent after the next start"
    )


def _look(measure: Callable[[], int]) -> int | None:
    try:
        return measure()
    except Unavailable:
        return None


def _records(left: int | None) -> str:
    return "an unknown number of records (Kafka does not answer)" if left is None else f"{left:,} records"
