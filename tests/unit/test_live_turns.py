"""Whose turn it is, whatever the clock on the wall does."""

from api.live.turns import TURNS, due


def test_each_turn_comes_once_in_each_second() -> None:
    last, seen = 0, list[int]()
    for late in (0, 0.2, 0.01, 0.7, 0.04):
        for each in range(1, 2 * TURNS):
            now = (last + 1) / TURNS + (late if each == TURNS else 0)
            turns = due(last, now)
            seen += turns
            last = turns[-1]
    assert seen == list(range(1, last + 1))


def test_what_is_late_by_more_than_a_second_is_not_made_up_for() -> None:
    assert [each % TURNS for each in due(3, 3_600)] == [*range(1, TURNS), 0]
    assert list(due(3, 3 / TURNS)) == []
