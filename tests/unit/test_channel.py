"""Channels: what campaign, referrer and click id say of how a visitor came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.channel import channel, is_paid, kind_of

TABLE = [
    ("direct", "", "", "", "", ""),
    ("direct", "(direct)", "(none)", "", "", ""),
    ("organic search", "", "", "", "www.google.de", ""),
    ("organic search", "", "", "", "google.co.uk", ""),
    ("organic search", "", "", "", "duckduckgo.com", ""),
    ("organic search", "startup-newsfeed", "organic", "", "", ""),
    ("paid search", "google", "cpc", "", "", ""),
    ("paid search", "", "", "", "www.google.com", "gclid"),
    ("paid search", "bing", "ppc", "", "", ""),
    ("paid search", "", "", "", "", "msclkid"),
    ("organic social", "", "", "", "l.facebook.com", ""),
    ("organic social", "", "", "", "t.co", ""),
    ("organic social", "", "", "", "old.reddit.com", ""),
    ("organic social", "facebook", "organic", "", "", ""),
    ("organic social", "somewhere", "social", "", "", ""),
    ("paid social", "facebook", "paid_social", "", "", ""),
    ("paid social", "", "", "", "", "ttclid"),
    ("organic video", "", "", "", "www.youtube.com", ""),
    ("organic video", "partner", "video-ads", "", "", ""),
    ("paid video", "youtube", "cpv", "", "", ""),
    ("organic shopping", "", "", "", "www.amazon.de", ""),
    ("paid shopping", "amazon", "cpc", "", "", ""),
    ("paid shopping", "somewhere", "cpc", "winter shopping", "", ""),
    ("email", "newsletter", "email", "", "", ""),
    ("email", "facebook", "email", "", "", ""),
    ("email", "", "", "", "mail.google.com", ""),
    ("display", "partner", "banner", "", "", ""),
    ("display", "partner", "cpm", "", "", ""),
    ("paid other", "partner", "cpc", "", "", ""),
    ("affiliates", "partner", "affiliate", "", "", ""),
    ("audio", "podcast", "audio", "", "", ""),
    ("sms", "sms", "", "", "", ""),
    ("push", "app", "web-push", "", "", ""),
    ("push", "firebase", "", "", "", ""),
    ("assistant", "", "", "", "chatgpt.com", ""),
    ("cross-network", "google", "cpc", "cross-network", "", ""),
    ("referral", "", "", "", "blog.example.org", ""),
    ("referral", "blog", "referral", "", "", ""),
    ("referral", "", "", "", "x.org", ""),
    ("unassigned", "partner", "leaflet", "", "", ""),
]


@pytest.mark.parametrize(("expected", "source", "medium", "campaign", "referrer", "click"), TABLE)
def test_each_way_has_its_channel(
    expected: str, source: str, medium: str, campaign: str, referrer: str, click: str
) -> None:
    assert channel(source, medium, campaign, referrer, click) == expected


def test_a_brand_counts_under_any_countrys_domain_but_not_within_another_name() -> None:
    assert kind_of("www.google.com.br") == kind_of("google.at") == kind_of("Google".lower()) == "search"
    assert kind_of("google.example.org") == kind_of("notgoogle.com") == ""


words = st.text(st.characters(max_codepoint=127), max_size=30)


@given(words, words, words, words)
def test_whatever_is_written_has_a_channel_in_either_case(source: str, medium: str, campaign: str, host: str) -> None:
    found = channel(source, medium, campaign, host)
    assert found
    assert channel(source.upper(), medium.upper(), campaign.upper(), host) == found


@pytest.mark.parametrize("medium", ["cpc", "ppc", "paid", "paid-social", "retargeting", "cpm"])
def test_what_was_paid_for(medium: str) -> None:
    assert is_paid(medium)
    assert not is_paid("email")
