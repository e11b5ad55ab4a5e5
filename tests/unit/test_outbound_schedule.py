"""When a delivery is tried again, by a clock that is only a number."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.outbound import breaker
from pulse.outbound.breaker import HEALTHY, Standing, after_failure
from pulse.outbound.call import Answer
from pulse.outbound.verdict import GAPS_S, Verdict, asked_pause_s, next_attempt, verdict

NOW = 1_790_000_000_000
HOUR_S = 3_600


def attempts(random: float, answers: Sequence[Answer]) -> list[float]:
    """The moments of all attempts at a delivery, in seconds from the first, when it is answered so."""
    now, moments = NOW, []
    for tries, answer in enumerate(answers, 1):
        moments.append((now - NOW) / 1000)
        if verdict(answer) != Verdict.again:
            break
        following = next_attempt(tries, now, random, asked_pause_s(answer.retry_after, now))
        if following.dead:
            break
        now = following.due
    return moments


def test_nine_attempts_in_about_22_hours() -> None:
    moments = attempts(0.5, [Answer(status=500)] * 20)

    assert moments == [0, 5, 35, 155, 755, 4_355, 15_155, 36_755, 79_955]
    assert 22 * HOUR_S < moments[-1] < 22.5 * HOUR_S


@given(st.floats(0, 1, exclude_max=True))
def test_each_gap_is_as_stated_give_or_take_a_fifth(random: float) -> None:
    moments = attempts(random, [Answer(error="no answer")] * 9)

    assert len(moments) == 9
    for earlier, later, gap in zip(moments, moments[1:], GAPS_S[1:], strict=False):
        assert 0.8 * gap - 0.002 <= later - earlier <= 1.2 * gap + 0.002


def test_one_that_fails_three_times_is_tried_four_times() -> None:
    assert attempts(0.5, [Answer(status=500)] * 3 + [Answer(status=204)]) == [0, 5, 35, 155]


def test_retry_after_is_a_least_pause_and_a_day_the_most() -> None:
    assert attempts(0.5, [Answer(status=429, retry_after="60"), Answer(status=200)]) == [0, 60]
    assert attempts(0.5, [Answer(status=503, retry_after="1"), Answer(status=200)]) == [0, 5]
    assert attempts(0.5, [Answer(status=503, retry_after="99999999999"), Answer(status=200)]) == [0, 86_400]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0), ("0", 0), (" 120 ", 120), ("-5", 0), ("1.5", 0), ("soon", 0), ("１２", 0), ("9" * 5_000, 86_400),
        ("Mon, 21 Sep 2026 14:14:20 GMT", 60), ("Mon, 21 Sep 2026 14:14:20", 60), ("Mon, 21 Sep 2020 14:14:20 GMT", 0),
        ("Mon, 99 Sep 2026 14:14:20 GMT", 0), ("Sat, 01 Jan 9999 00:00:00 GMT", 86_400),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_a_date(text: str, seconds: float) -> None:
    assert asked_pause_s(text, 1_790_000_000_000) == seconds


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (200, Verdict.delivered), (202, Verdict.delivered), (204, Verdict.delivered), (299, Verdict.delivered),
        (301, Verdict.again), (302, Verdict.again), (304, Verdict.again), (308, Verdict.again),
        (400, Verdict.refused), (401, Verdict.refused), (403, Verdict.refused), (404, Verdict.refused),
        (408, Verdict.again), (409, Verdict.refused), (410, Verdict.gone), (413, Verdict.refused), (425, Verdict.refused),
        (429, Verdict.again), (451, Verdict.refused), (500, Verdict.again), (502, Verdict.again), (503, Verdict.again),
        (504, Verdict.again), (599, Verdict.again), (None, Verdict.again),
    ],
)  # fmt: skip
def test_each_status_has_its_verdict(status: int | None, said: Verdict) -> None:
    assert verdict(Answer(status=status)) == said


def test_ten_failures_in_a_row_open_the_breaker_for_longer_and_longer() -> None:
    standing, now, pauses = HEALTHY, NOW, []
    for _ in range(16):
        assert breaker.state(standing.failures, standing.blocked_until, now) != "open"
        standing = after_failure(standing, now, now)
        pauses.append(max(standing.blocked_until - now, 0) / 1000)
        now = max(now, standing.blocked_until) + 1_000

    assert pauses == [0] * 9 + [30, 60, 120, 240, 300, 300, 300]
    assert standing.since == NOW


def test_the_breaker_says_what_it_does() -> None:
    standing = Standing(10, NOW, NOW + 30_000)

    assert breaker.state(0, 0, NOW) == "closed"
    assert breaker.state(standing.failures, standing.blocked_until, NOW) == "open"
    assert breaker.state(standing.failures, standing.blocked_until, NOW + 30_000) == "trial"
    assert (breaker.at_once(0), breaker.at_once(1), breaker.at_once(50)) == (breaker.AT_ONCE, 1, 1)


def test_who_asks_to_be_left_alone_is() -> None:
    assert after_failure(HEALTHY, NOW, NOW, asked_s=7).blocked_until == NOW + 7_000
    assert after_failure(Standing(1, NOW, NOW + 9_000), NOW, NOW, asked_s=7).blocked_until == NOW + 9_000
