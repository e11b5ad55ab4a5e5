"""How far refinement lies behind: overload is noticed, outages and bursts are not mistaken for it."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from api.collector.backlog import RELIEF, Backlog, Verdict

UNHURRIED = settings(deadline=None)

LIMIT = 60.0
TICK = 2
Rate = Callable[[int], float]


def simulate(arrivals: Rate, capacity: Rate, seconds: int, backlog: Backlog | None = None) -> list[Verdict]:
    """One partition over time, a look every other second; the offered rate arrives only while it is admitted."""
    backlog = backlog or Backlog(LIMIT)
    ends = stands = 0.0
    verdicts: list[Verdict] = []
    for now in range(0, seconds, TICK):
        if not verdicts or not verdicts[-1].wait_s:
            ends += arrivals(now) * TICK
        stands = min(ends, stands + capacity(now) * TICK)
        verdicts.append(backlog.seen(now, {0: (int(stands), int(ends))}))
    return verdicts


def test_who_keeps_up_turns_nobody_away() -> None:
    assert not any(v.wait_s for v in simulate(lambda _: 90, lambda _: 100, 600))


def test_overload_is_turned_away_and_the_backlog_stays_near_the_limit() -> None:
    verdicts = simulate(lambda _: 500, lambda _: 100, 600)
    assert any(v.wait_s for v in verdicts)
    assert max(v.behind_s for v in verdicts) < LIMIT + 5 * 12
    assert all(v.behind_s < LIMIT + 20 for v in verdicts[100:])


def test_after_an_overload_it_is_over_within_the_limit() -> None:
    verdicts = simulate(lambda now: 500 if now < 120 else 50, lambda _: 100, 400)
    late = [number * TICK for number, v in enumerate(verdicts) if v.wait_s]
    assert late
    assert late[-1] < 120 + LIMIT


def test_an_outage_of_refinement_turns_nobody_away_nor_does_catching_up() -> None:
    verdicts = simulate(lambda _: 50, lambda now: 0 if 60 <= now < 1_000 else 100, 3_000)
    assert not any(v.wait_s for v in verdicts)


def test_what_an_outage_left_does_not_excuse_an_overload() -> None:
    verdicts = simulate(lambda now: 50 if now < 1_200 else 400, lambda now: 0 if 60 <= now < 1_000 else 100, 1_300)
    assert verdicts[-1].wait_s


def test_a_burst_after_silence_is_no_overload() -> None:
    verdicts = simulate(lambda now: 2_000 if now in (100, 102) else 1, lambda _: 500, 200)
    assert not any(v.wait_s for v in verdicts)


def test_a_restart_with_a_backlog_turns_nobody_away_while_it_shrinks() -> None:
    backlog = Backlog(LIMIT)
    verdicts = [backlog.seen(now, {0: (now * 100, 100_000 + now * 50)}) for now in range(0, 1_000, TICK)]
    assert not any(v.wait_s for v in verdicts)


def test_the_partition_that_is_furthest_behind_counts() -> None:
    backlog = Backlog(LIMIT)
    for now in range(0, 100, TICK):
        verdict = backlog.seen(now, {0: (now * 100, now * 100), 1: (now * 10, now * 100)})
    assert verdict.wait_s


def test_nothing_known_turns_nobody_away() -> None:
    backlog = Backlog(LIMIT)
    for now in range(0, 100, TICK):
        backlog.seen(now, {0: (now * 10, now * 100)})
    assert backlog.verdict.wait_s
    assert backlog.unknown() == Verdict()
    assert backlog.seen(102, {0: (0, 50)}) == Verdict()


def test_a_new_log_is_looked_at_afresh() -> None:
    backlog = Backlog(LIMIT)
    for now in range(0, 100, TICK):
        backlog.seen(now, {0: (now * 10, now * 100)})
    assert not backlog.seen(100, {0: (0, 0)}).wait_s


def test_a_limit_of_zero_is_none() -> None:
    assert not any(v.wait_s for v in simulate(lambda _: 500, lambda _: 10, 600, Backlog(0)))


@UNHURRIED
@given(
    st.lists(st.tuples(st.integers(0, 600), st.integers(0, 300)), min_size=1, max_size=20),
    st.floats(1, 300),
)
def test_laws_of_any_load(phases: list[tuple[int, int]], limit: float) -> None:
    verdicts = simulate(
        lambda now: phases[min(now // 30, len(phases) - 1)][0],
        lambda now: phases[min(now // 30, len(phases) - 1)][1],
        30 * len(phases),
        Backlog(limit),
    )
    for before, now in zip([Verdict(), *verdicts], verdicts, strict=False):
        assert now.behind_s >= 0
        assert bool(now.wait_s) == (now.behind_s > (limit * RELIEF if before.wait_s else limit))
        assert 0 <= now.wait_s <= 60
