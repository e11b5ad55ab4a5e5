"""A pattern is found in text of any case, of whatever alphabet."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pulse.anycase import AnyCase

PATTERN = r"(?<!cu)bots?\b|sky (?:uk|tv)|kindle|\btv\b"
PARTS = ("bot", "BOT", "cubot", "Bots", "sky", "SKY UK", "ſky tv", "Kindle", "kindle", "TV", "İ", " ", "x", "_")


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=2), max_size=6).map("".join))
def test_it_is_found_where_it_is_with_case_ignored(text: str) -> None:
    assert AnyCase(PATTERN).is_in(text) is bool(re.search(PATTERN, text, re.IGNORECASE))
