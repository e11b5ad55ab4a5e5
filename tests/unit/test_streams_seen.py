"""Seen ids: exact within the window, forgotten after it, and never a duplicate of themselves."""

from hypothesis import given
from hypothesis import strategies as st

from streams.memory import Memory
from streams.seen import SeenIds, digest

DAY = 86_400_000
NOW = 1_800_000_000_000


def ids(*names: str) -> list[bytes]:
    return [digest("shop", name) for name in names]


def test_an_id_is_known_within_the_window_and_forgotten_after_it() -> None:
    seen = SeenIds(DAY)
    seen.add(ids("a"), NOW)
    for later in (0, DAY - 1, DAY):
        seen.expire(NOW + later)
        assert seen.known(ids("a", "b")) == set(ids("a"))
    seen.expire(NOW + DAY + DAY // 2)
    assert not seen.known(ids("a"))
    assert len(seen) == 0


@given(st.lists(st.tuples(st.integers(0, 3 * DAY), st.integers(0, 20))), st.integers(0, 3 * DAY))
def test_nothing_within_the_window_is_ever_forgotten(added: list[tuple[int, int]], now: int) -> None:
    seen = SeenIds(DAY)
    for at, name in added:
        seen.add([digest("shop", str(name))], at)
    seen.expire(now)
    recent = {digest("shop", str(name)) for at, name in added if at >= now - DAY}
    assert recent <= seen.known(recent)


def test_ids_of_two_sites_are_two() -> None:
    assert len({digest("a", "bc"), digest("ab", "c"), digest("a", "b\0c")}) == 3


def test_only_the_first_of_several_is_unseen() -> None:
    memory = Memory(DAY)
    assert memory.unseen(ids("a", "b", "a", "a")) == [True, True, False, False]
    memory.written(1, 0, ids("a", "b"), NOW)
    assert memory.unseen(ids("b", "c")) == [False, True]


def test_ids_of_an_older_log_are_seen_for_as_long_as_the_window() -> None:
    elsewhere = SeenIds(DAY)
    elsewhere.add(ids("old"), NOW)
    memory = Memory(DAY, elsewhere)
    assert memory.unseen(ids("old", "new")) == [False, True]
    memory.written(1, 0, ids("x"), NOW + 2 * DAY)
    memory.expire(NOW + 2 * DAY)
    assert memory.unseen(ids("old")) == [True]


def test_a_log_from_the_future_makes_nothing_be_forgotten_early() -> None:
    memory = Memory(DAY)
    memory.written(1, 0, ids("a"), NOW)
    memory.written(2, 0, ids("b"), NOW + 30 * DAY)
    memory.expire(NOW + 1000)
    assert memory.unseen(ids("a")) == [False]


def test_the_last_record_is_no_duplicate_of_itself_and_only_its_missing_parts_are_written() -> None:
    memory = Memory(DAY)
    memory.written(4, 0, ids("a"), NOW)
    memory.written(5, 0, ids("b"), NOW)
    memory.written(5, 1, ids("c"), NOW)
    assert memory.first_part(4) is None
    assert memory.first_part(5) == 2
    assert memory.unseen(ids("a", "b", "c")) == [False, True, True]
    assert memory.first_part(6) == 0


def test_reading_on_begins_after_ones_own_records_unless_others_lie_between() -> None:
    memory = Memory(DAY)
    memory.position = 10
    memory.delivered(10, 14)
    assert memory.position == 15
    memory.delivered(17, 18)
    assert memory.position == 15


def test_an_id_whose_record_bears_an_old_time_is_remembered_from_when_it_came() -> None:
    memory = Memory(DAY)
    memory.written(1, 0, ids("a"), NOW)
    memory.expire(NOW)
    memory.written(2, 0, ids("old"), NOW - 5 * DAY)
    memory.expire(NOW + 1000)
    assert memory.unseen(ids("old")) == [False]
