"""A partition that stands still is noticed, one that merely has new records is not."""

from streams.stall import STALLED_S, Stalls

ONE, OTHER = ("pulse.events.raw", 0), ("pulse.events.raw", 1)


def test_a_partition_that_stands_behind_its_end_is_told_after_a_minute_even_if_others_move() -> None:
    stalls = Stalls()
    assert stalls.look({ONE: 5, OTHER: 1}, {ONE: 6, OTHER: 9}, 0) == {}
    assert stalls.look({ONE: 5, OTHER: 2}, {ONE: 7, OTHER: 9}, STALLED_S - 1) == {}
    assert stalls.look({ONE: 5, OTHER: 3}, {ONE: 7, OTHER: 9}, STALLED_S) == {ONE: 5}


def test_a_record_after_a_long_silence_is_no_stall() -> None:
    stalls = Stalls()
    for now in (0.0, STALLED_S, 10 * STALLED_S):
        assert stalls.look({ONE: 5}, {ONE: 5}, now) == {}
    assert stalls.look({ONE: 5}, {ONE: 6}, 11 * STALLED_S) == {}
    assert stalls.look({ONE: 6}, {ONE: 7}, 12 * STALLED_S) == {}


def test_a_partition_that_was_given_away_and_came_back_begins_anew() -> None:
    stalls = Stalls()
    stalls.look({ONE: 5}, {ONE: 6}, 0)
    stalls.look({}, {}, 1)
    assert stalls.look({ONE: 5}, {ONE: 6}, STALLED_S) == {}


def test_a_good_reason_for_waiting_begins_anew() -> None:
    stalls = Stalls()
    stalls.look({ONE: 5}, {ONE: 6}, 0)
    stalls.forget()
    assert stalls.look({ONE: 5}, {ONE: 6}, STALLED_S) == {}
