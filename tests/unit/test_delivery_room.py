"""How the room for what is under way is shared out."""

from hypothesis import given
from hypothesis import strategies as st

from api.delivery.room import portion


@given(left=st.integers(0, 1_000), own=st.integers(0, 1_000))
def test_nobody_gets_more_than_there_is_or_than_is_left_for_the_others(left: int, own: int) -> None:
    got = portion(left, own)
    assert 0 <= got <= left
    assert got == 0 or own + got <= left - got + 1


@given(most=st.integers(1, 1_000))
def test_the_first_has_half_and_whoever_comes_next_finds_room(most: int) -> None:
    assert portion(most, 0) == (most + 1) // 2
    assert portion(most // 2, 0) > 0 or most == 1


@given(most=st.integers(100, 1_000), organisations=st.integers(2, 7))
def test_as_what_is_under_way_ends_all_come_to_have_about_the_same(most: int, organisations: int) -> None:
    own = [0] * organisations
    for _ in range(600):
        own = [max(each - 1, 0) for each in own]
        for number in range(organisations):
            own[number] += portion(most - sum(own), own[number])
    assert 2 * min(own) >= max(own)
