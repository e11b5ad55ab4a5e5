"""How long to wait before a process that died is started again."""

FIRST_S = 0.5
LONGEST_S = 30.0
STEADY_S = 60.0
"""A process that ran this long is taken for sound again."""


def pause(failures: int) -> float:
    """Seconds to wait after the given number of failures in a row, the first being 1: doubling, up to half a minute."""
    return min(FIRST_S * 2.0 ** min(failures - 1, 16), LONGEST_S)


def failures(before: int, ran_s: float) -> int:
    """Failures in a row, now that a process has ended after `ran_s` seconds and there were `before` of them."""
    return 1 if ran_s >= STEADY_S else before + 1
