"""A pattern is found in text of any case, of whatever alphabet."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.anycase import AnyCase
from pulse.network.crawlers import CLAIMING, CLAIMS
from streams.steps.user_agent import CRAWLERS, KINDS

PATTERN = r"(?<!cu)bots?\b|sky (?:uk|tv)|kindle|\btv\b"
PARTS = ("bot", "BOT", "cubot", "Bots", "sky", "SKY UK", "ſky tv", "Kindle", "kindle", "TV", "İ", " ", "x", "_")


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=2), max_size=6).map("".join))
def test_it_is_found_where_it_is_with_case_ignored(text: str) -> None:
    is_there = bool(re.search(PATTERN, text, re.IGNORECASE))
    assert AnyCase(PATTERN).is_in(text) is is_there
    assert AnyCase(PATTERN, "bot", "sky", "kindle", "tv").is_in(text) is is_there


WORDED = [CRAWLERS, *(sign for _, sign in KINDS if sign.words)]


@pytest.mark.parametrize("sign", WORDED)
def test_one_of_its_words_is_in_each_of_its_alternatives(sign: AnyCase) -> None:
    for alternative in re.sub(r"\([^)]*\)\??", "", sign.pattern).split("|"):
        assert any(word in alternative for word in sign.words), alternative


def test_a_word_of_theirs_is_in_each_sign_of_a_crawler_s_claim() -> None:
    for provider, sign in CLAIMS:
        for alternative in sign.pattern.split("|"):
            assert CLAIMING.is_in(alternative), (provider, alternative)
