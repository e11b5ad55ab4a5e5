"""Whether an object's names are surely short is told without decoding it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.event import MAX_PROPERTY_NAME
from streams.steps.properties import beyond, has_no_long_text

NAMES = st.builds(str.__mul__, st.sampled_from('aé"\\:{'), st.sampled_from((0, 1, 99, 100, 101, 199, 200, 201)))
VALUES = st.none() | st.integers() | st.builds(str.__mul__, st.just("v"), st.sampled_from((0, 1, 150, 198, 200, 202)))


@given(told=st.dictionaries(NAMES, VALUES, max_size=6), is_ascii=st.booleans())
def test_a_long_name_is_never_passed_over(told: dict[str, object], is_ascii: bool) -> None:
    text = json.dumps(told, ensure_ascii=is_ascii).encode()
    assert (beyond(text) is None) is all(len(name) <= MAX_PROPERTY_NAME for name in told)


@pytest.mark.parametrize(("length", "is_short"), [(199, True), (200, True), (201, False), (500, False)])
def test_a_text_is_long_from_its_first_byte_too_many(length: int, is_short: bool) -> None:
    text = b'{"plan":"pro","%s":1,"more":"%s"}' % (b"n" * length, b"x" * 150)
    assert has_no_long_text(text, 200) is is_short
