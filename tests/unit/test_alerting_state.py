"""The states of a rule: operators, duration, hysteresis, cooldown, silence, and what a running minute may tell."""

from typing import Any

import pytest

from pulse.alerting.look import Look, look
from pulse.alerting.quiet import is_quiet
from pulse.alerting.rule import Quiet, Rule
from pulse.alerting.series import Series
from pulse.alerting.state import State, Status, after, over

YES, NO, UNTOLD = Look(1.0, True, False), Look(0.0, False, True), Look(None, None, None)
BETWEEN = Look(0.5, False, False)


def rule(operator: str = ">", value: float = 5, **parts: Any) -> Rule:
    condition = {"kind": "threshold", "operator": operator, "value": value}
    return Rule.model_validate({"metric": "events", "window_minutes": 1, "condition": condition} | parts)


def counted(*numbers: int, begin: int = 100) -> Series:
    """A series of events, minute by minute."""
    series = Series(20_000, is_money=False, is_one=True)
    for minute, number in enumerate(numbers, begin):
        series.add(minute, number, number)
    return series


def course(watched: Rule, seen: str, begin: State | None = None, **how: Any) -> str:
    """The statuses through closed minutes from 10 on: y holds, n does not, - is between, ? cannot be told."""
    looks = {"y": YES, "n": NO, "-": BETWEEN, "?": UNTOLD}
    state, said = begin or State(), ""
    for minute, letter in enumerate(seen, 10):
        state, change = after(watched, state, looks[letter], minute, is_closed=True, **how)
        said += {"firing": "F", "resolved": "R", "no_data": "N", "": state.status[0]}[change.kind if change else ""]
    return said


@pytest.mark.parametrize(
    ("operator", "below", "equal", "above", "empty"),
    [
        (">", False, False, True, False),
        (">=", False, True, True, False),
        ("<", True, False, False, True),
        ("<=", True, True, False, True),
        ("==", False, True, False, False),
        ("!=", True, False, True, True),
    ],
)
def test_each_operator_below_at_and_above_the_value_and_of_an_empty_window(
    operator: str, below: bool, equal: bool, above: bool, empty: bool
) -> None:
    series = counted(4, 5, 6)
    assert [look(rule(operator), series, minute).holds for minute in (100, 101, 102, 103)] == [
        below,
        equal,
        above,
        empty,
    ]


def test_a_rule_fires_once_and_is_over_once() -> None:
    assert course(rule(), "nyyynny") == "oFffRoF"


def test_what_must_hold_for_some_minutes_is_pending_until_then() -> None:
    assert course(rule(for_minutes=2), "yynyyyyn") == "ppoppFfR"


def test_between_the_levels_nothing_changes() -> None:
    assert course(rule(), "-y--n-") == "oFffRo"


def test_what_cannot_be_told_ends_what_is_pending_and_nothing_else() -> None:
    assert course(rule(for_minutes=1), "y?yy?n") == "popFfR"


def test_within_the_cooldown_it_does_not_fire_again() -> None:
    assert course(rule(cooldown_minutes=4), "ynyyyn") == "FRppFR"


def test_whoever_is_hushed_fires_afterwards_if_it_still_holds() -> None:
    assert course(rule(), "yyn", is_hushed=True) == "ppo"
    state, _ = after(rule(), State(), YES, 10, is_closed=True, is_hushed=True)
    assert course(rule(), "yn", state) == "FR"


def test_the_end_is_told_also_to_whom_is_hushed() -> None:
    assert course(rule(), "yn", State(Status.firing, 9, 9), is_hushed=True) == "fR"


def test_a_running_minute_begins_and_never_ends() -> None:
    state, change = after(rule(), State(), YES, 10, is_closed=False)
    assert change is not None
    assert after(rule(), state, NO, 11, is_closed=False) == (state, None)
    assert after(rule(), State(), NO, 11, is_closed=False) == (State(), None)


def test_an_earlier_minute_that_says_otherwise_later_changes_nothing() -> None:
    firing, _ = after(rule(), State(), YES, 12, is_closed=False)
    assert after(rule(), firing, NO, 11, is_closed=True) == (firing, None)
    done, change = after(rule(), firing, NO, 12, is_closed=True)
    assert change is not None
    assert change.kind == "resolved"
    assert after(rule(), done, YES, 12, is_closed=True) == (done, None)


def test_nothing_that_comes_is_a_state_of_its_own() -> None:
    watched = rule(condition={"kind": "no_data"})
    state, change = after(watched, State(), look(watched, counted(0), 100), 100, is_closed=True)
    assert (state.status, change and change.kind) == (Status.no_data, "no_data")
    state, change = after(watched, state, look(watched, counted(0, 1), 101), 101, is_closed=True)
    assert (state.status, change and change.kind) == (Status.ok, "resolved")


def test_a_rule_that_watches_no_longer_tells_the_end_of_what_it_told() -> None:
    state, change = over(State(Status.firing, 9, 9), 12)
    assert (state.status, change and (change.kind, change.began)) == (Status.ok, ("resolved", 9))
    assert over(State(Status.pending, 9), 12)[1] is None


@pytest.mark.parametrize(
    ("parts", "numbers", "holds"),
    [
        ({"against": "previous", "operator": "<", "percent": -50}, (10, 4), True),
        ({"against": "previous", "operator": "<", "percent": -50}, (10, 5), False),
        ({"against": "previous", "operator": ">=", "percent": 100}, (10, 20), True),
        ({"against": "previous", "operator": ">=", "percent": 100}, (0, 20), None),
        ({"against": "day", "operator": ">", "percent": 0}, (10, 20), None),
    ],
)
def test_a_change_is_told_in_percent_where_there_is_something_before(
    parts: dict[str, Any], numbers: tuple[int, ...], holds: bool | None
) -> None:
    assert look(rule(condition={"kind": "relative"} | parts), counted(*numbers), 101).holds is holds


def test_a_share_of_too_few_is_not_told() -> None:
    watched = rule(metric="bot_share", value=0.5, min_volume=10)
    series = Series(100, is_money=False, is_one=False)
    series.add(100, 9, 9)
    series.add(101, 9, 10)
    assert [look(watched, series, minute).holds for minute in (100, 101, 102)] == [None, True, None]


def test_revenue_is_told_in_its_currency() -> None:
    watched = rule(metric="revenue", currency="EUR", operator="<", value=-1.5)
    series = Series(100, is_money=True, is_one=False)
    series.add(100, -15_001, 1)
    series.add(101, -15_000, 1)
    assert [(look(watched, series, m).value, look(watched, series, m).holds) for m in (100, 101)] == [
        (-1.5001, True),
        (-1.5, False),
    ]


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        (1_795_730_340_000, False),  # Thursday 2026-11-26, 22:59 in Vienna
        (1_795_730_400_000, True),  # 23:00
        (1_795_755_540_000, True),  # Friday 05:59
        (1_795_755_600_000, False),  # 06:00
        (1_795_816_800_000, False),  # Friday 23:00, which is no day on which quiet hours begin
    ],
)
def test_quiet_hours_go_by_the_clock_of_their_zone_past_midnight(moment: int, quiet: bool) -> None:
    hours = {"from": "23:00", "to": "06:00", "timezone": "Europe/Vienna", "days": [4]}
    assert is_quiet(Quiet.model_validate(hours), moment) is quiet


def test_a_running_minute_does_not_fire_over_a_minute_that_is_not_closed() -> None:
    rule = Rule.model_validate(
        {
            "metric": "events",
            "window_minutes": 1,
            "for_minutes": 2,
            "condition": {"kind": "threshold", "operator": ">", "value": 10},
        }
    )
    holds, not_so = Look(11, None, True, False), Look(3, None, False, True)
    state, _ = after(rule, State(), holds, 1, is_closed=True)
    state, _ = after(rule, state, not_so, 2, is_closed=False)
    state, told = after(rule, state, holds, 3, is_closed=False)
    assert told is None
    state, _ = after(rule, state, not_so, 2, is_closed=True)
    assert after(rule, state, holds, 3, is_closed=True)[1] is None
