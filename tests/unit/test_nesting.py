"""The depth of JSON, told of its bytes."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.nesting import depth, is_within

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text() | st.text(alphabet='[]{}"\\é'),
    lambda v: st.lists(v) | st.dictionaries(st.text() | st.text(alphabet='[{"\\'), v),
)


def levels(value: Any) -> int:
    """The depth of a decoded value."""
    if isinstance(value, dict):
        return 1 + max(map(levels, value.values()), default=0)
    return 1 + max(map(levels, value), default=0) if isinstance(value, list) else 0


@given(values, st.booleans())
def test_the_depth_is_that_of_the_decoded_value(value: Any, escaped: bool) -> None:
    assert depth(json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")) == levels(value)


@given(values, st.integers(0, 6))
def test_a_value_is_within_its_own_depth_and_no_less(value: Any, most: int) -> None:
    assert is_within(msgspec.json.encode(value), most) == (levels(value) <= most)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"1", 0),
        (b'"[["', 0),
        (b"[]", 1),
        (b'{"[": "\\"[", "b": "\\\\"}', 1),
        (b'{"a": [{}], "b": [[]]}', 3),
        (b"[" * 300 + b"]" * 300, 300),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 100_000),
        (b"[" + b"[]," * 1000 + b"[]]", 2),
    ],
)
def test_only_brackets_outside_of_strings_count(text: bytes, found: int) -> None:
    assert depth(text) == found
    assert is_within(text, found)
    assert found == 0 or not is_within(text, found - 1)
