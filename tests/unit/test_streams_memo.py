"""What is remembered of keys, and how long."""

from hypothesis import given
from hypothesis import strategies as st

from streams.memo import Memo


def memo_of(most: int) -> tuple[Memo[int, str], list[int]]:
    """A memo of numbers as texts, and the list of those that it had to make."""
    made: list[int] = []

    def make(key: int) -> str:
        made.append(key)
        return str(key)

    return Memo(make, most), made


def test_what_was_made_is_made_once() -> None:
    memo, made = memo_of(10)
    assert [memo[1], memo[1], memo[2], memo[1]] == ["1", "1", "2", "1"]
    assert made == [1, 2]


def test_what_is_met_again_outlives_what_is_not() -> None:
    memo, made = memo_of(3)
    for key in range(1, 30):
        assert (memo[0], memo[key]) == ("0", str(key))
    assert made.count(0) == 1
    assert memo[1] == "1"
    assert made.count(1) == 2


def test_all_is_forgotten() -> None:
    memo, made = memo_of(2)
    assert [memo[key] for key in (1, 2, 3)] == ["1", "2", "3"]
    memo.forget()
    assert [memo[1], memo[2]] == ["1", "2"]
    assert made == [1, 2, 3, 1, 2]


@given(keys=st.lists(st.integers(0, 40)), most=st.integers(1, 8))
def test_no_more_than_twice_as_many_are_kept(keys: list[int], most: int) -> None:
    memo: Memo[int, int] = Memo(lambda key: key + 1, most)
    for key in keys:
        assert memo[key] == key + 1
        assert memo.kept() <= 2 * most
