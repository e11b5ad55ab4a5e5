"""What an answer means for a delivery, and when it is tried again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from pulse.outbound.call import Answer

GAPS_S = (0.0, 5.0, 30.0, 120.0, 600.0, 3_600.0, 10_800.0, 21_600.0, 43_200.0)
"""Before each attempt, how long after the one before: nine attempts in about 22 hours."""
JITTER = 0.2
LONGEST_ASKED_S = 86_400.0
WORTH_TRYING = frozenset({408, 429})
"""Those of 4xx that may be otherwise later."""
GONE = 410


class Verdict(StrEnum):
    """What became of an attempt."""

    delivered = "delivered"
    again = "again"
    """It failed, and another attempt may not."""
    refused = "refused"
    """The receiver will not have it, now or later."""
    gone = "gone"
    """The receiver says that nobody is there any more."""


@dataclass(frozen=True)
class Next:
    """What is to come of a delivery: another attempt at `due` (ms since the epoch), or none as it is `dead`."""

    due: int = 0
    dead: bool = False


def verdict(answer: Answer) -> Verdict:
    """The verdict on an answer: 2xx delivers, 410 ends the endpoint, other 4xx but 408 and 429 are not tried again."""
    status = answer.status
    if status is None:
        return Verdict.again
    if 200 <= status < 300:
        return Verdict.delivered
    if status == GONE:
        return Verdict.gone
    if 400 <= status < 500 and status not in WORTH_TRYING:
        return Verdict.refused
    return Verdict.again


def next_attempt(tries: int, now: int, random: float, asked_s: float = 0.0, gaps_s: Sequence[float] = GAPS_S) -> Next:
    """What follows the failed attempt number `tries` (from 1) at `now`, in ms; `random` lies in [0, 1).

    Never before the receiver asked for, `asked_s` from now.
    """
    if tries >= len(gaps_s):
        return Next(dead=True)
    pause_s = gaps_s[tries] * (1 - JITTER + 2 * JITTER * random)
    return Next(due=now + int(1000 * max(pause_s, asked_s)))


def asked_pause_s(retry_after: str, now: int) -> float:
    """How long the header Retry-After asks to wait, in seconds or as a date; 0 for none, at most a day. `now` is in ms."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_ASKED_S)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    left = (aware - datetime.fromtimestamp(now / 1000, UTC)).total_seconds()
    return min(max(left, 0.0), LONGEST_ASKED_S)
