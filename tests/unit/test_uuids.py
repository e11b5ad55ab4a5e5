"""Ids proven many at once: never what the contract's pattern refuses."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from pulse.event import UUID
from pulse.uuids import are_uuids

UUIDS = st.uuids().map(str)
SIGNS = st.sampled_from("0189afAFgG-  \n٣é\0")


def altered(text: str, at: int, sign: str) -> str:
    return text[:at] + sign + text[at + 1 :]


NEARLY = (
    UUIDS
    | UUIDS.map(str.upper)
    | st.builds(altered, UUIDS, st.integers(0, 36), SIGNS | st.just(""))
    | st.text(SIGNS, max_size=40)
)


@given(st.lists(NEARLY, max_size=5))
@example([f"{0:08}-0000-0000-0000-{0:012} {0:08}-0000-0000-0000-{0:012}"])
@example(["", ""])
@example([])
def test_ids_together_are_what_each_is(ids: list[str]) -> None:
    assert are_uuids(ids) == all(re.search(UUID, each) for each in ids)
