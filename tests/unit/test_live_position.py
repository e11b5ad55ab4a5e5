"""Ids of the live view: each tells one position of the log, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.live.position import TOPICS, BadId, Mark, Where, id_of, position_of

marks = st.builds(Mark, st.integers(0, 1 << 53), st.integers(0, 10_000))


@given(st.from_regex(r"[0-9a-f]{10}", fullmatch=True), st.lists(st.tuples(marks, marks), min_size=1, max_size=12))
def test_an_id_is_the_position_that_it_was_made_of(log: str, numbered: list[tuple[Mark, Mark]]) -> None:
    position = {
        Where(topic, number): pair[index] for number, pair in enumerate(numbered) for index, topic in enumerate(TOPICS)
    }
    assert position_of(id_of(log, position)) == (log, position)


@given(st.text())
def test_any_other_text_is_refused_by_name(text: str) -> None:
    try:
        log, position = position_of(text)
    except BadId:
        return
    assert position_of(id_of(log, position)) == (log, position)


@pytest.mark.parametrize(
    "text", ["", "log", "log~1", "log~1.2~", "log~-1~1", "log~1:~1", "log~1:2:3~1", "log~1~1~1", "log~²~1"]
)
def test_what_is_nearly_an_id_is_none(text: str) -> None:
    with pytest.raises(BadId, match="is not an id"):
        position_of(text)
