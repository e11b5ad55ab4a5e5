"""The steps of refinement: each puts what it is named for, and refuses what it must."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.steps.identity import put_event_id, put_visitor
from streams.steps.properties import SURELY_WITHIN, beyond
from streams.steps.user_agent import device_of
from tests.unit.streams_events import (
    CHROME,
    DAY,
    GOOGLEBOT,
    ID,
    NOW,
    arrival,
    event,
    only,
    raw,
    refusal,
)

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1"
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1"
ANDROID = "Mozilla/5.0 (Linux; Android 14; {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 {}Safari/537.36"
TV = "Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) AppleWebKit/538.1 (KHTML, like Gecko) Version/5.0 NativeTVAds Safari/538.1"
HEADLESS = CHROME.replace("Chrome/", "HeadlessChrome/")


# identity


def test_an_event_without_a_site_is_refused() -> None:
    assert refusal(raw(site_id="")) == ("no_site", "site_id")


@pytest.mark.parametrize("site", ["Shop", "-shop", "a b", "shop\n", "sh\0op"])
def test_a_site_that_cannot_be_is_refused(site: str) -> None:
    assert refusal(raw(site_id=site)) == ("invalid", "site_id")


def test_an_event_without_an_id_gets_one_that_follows_from_its_place() -> None:
    first, again, next_line, next_record = event(), event(), event(), event()
    put_event_id(first, arrival())
    put_event_id(again, arrival())
    put_event_id(next_line, arrival(index=1))
    put_event_id(next_record, arrival(offset=8))
    assert first.event_id == again.event_id
    assert len({first.event_id, next_line.event_id, next_record.event_id}) == 3
    assert only(raw(event_id=first.event_id))["event_id"] == first.event_id


def test_an_id_is_written_in_lower_case() -> None:
    assert only(raw(event_id=ID.format(0xABCDEF).upper()))["event_id"] == ID.format(0xABCDEF)


def test_a_visitor_is_derived_from_address_and_user_agent_anew_each_day() -> None:
    put = put_visitor("secret")

    def visitor(**fields: object) -> str | None:
        e = event(**{"ip": "203.0.113.7", "user_agent": CHROME} | fields)
        put(e, arrival())
        return e.visitor_id

    same = visitor()
    assert same
    assert len(same) == 32
    assert visitor(ts=NOW - NOW % DAY) == visitor(ts=NOW - NOW % DAY + DAY - 1) == same
    others = {visitor(ts=NOW + DAY), visitor(ip="203.0.113.8"), visitor(user_agent=IPHONE), visitor(site_id="other")}
    assert len(others | {same}) == 5


def test_a_visitor_cannot_be_derived_without_the_secret() -> None:
    one, other = event(ip="203.0.113.7"), event(ip="203.0.113.7")
    put_visitor("secret")(one, arrival())
    put_visitor("another")(other, arrival())
    assert one.visitor_id != other.visitor_id


def test_a_visitor_who_is_named_or_unseen_is_left_alone() -> None:
    assert only(raw(visitor_id="v1", ip="203.0.113.7"))["visitor_id"] == "v1"
    assert "visitor_id" not in only(raw())


# time


def test_a_wrong_clock_is_corrected_and_said_so() -> None:
    skewed = only(raw(ts=NOW + 3_600_000, sent_at=NOW + 3_600_000))
    assert (skewed["ts"], skewed["clock"]) == (NOW, "skewed")
    sent_then = raw(ts=NOW - 400 * DAY, sent_at=NOW - 400 * DAY + 1_000, imported=True)
    assert (only(sent_then)["ts"], "clock" in only(sent_then)) == (NOW - 400 * DAY, False)
    future = only(raw(ts=NOW + 3_600_000))
    assert (future["ts"], future["clock"]) == (NOW, "future")
    assert "clock" not in only(raw())


def test_times_are_written_in_ms() -> None:
    iso = only(raw(ts="2027-01-15T08:00:00Z", sent_at="2027-01-15T08:00:00.500+00:00"))
    assert (iso["ts"], iso["sent_at"]) == (NOW, NOW + 500)
    assert only(raw(ts=float(NOW)))["ts"] == NOW


def test_an_event_without_a_time_happened_when_it_was_received() -> None:
    assert only({"event": "a", "site_id": "shop", "received_at": NOW - 5})["ts"] == NOW - 5


def test_what_names_no_receipt_was_received_when_it_was_written_to_the_log() -> None:
    assert only({"event": "a", "site_id": "shop"})["received_at"] == NOW
    assert only(raw(received_at=NOW + DAY))["received_at"] == NOW
    assert only(raw(received_at=NOW - DAY))["received_at"] == NOW - DAY


def test_an_old_event_is_refused_unless_its_key_may_import() -> None:
    assert refusal(raw(ts=NOW - 8 * DAY)) == ("too_old", "ts")
    assert only(raw(ts=NOW - 8 * DAY, imported=True))["ts"] == NOW - 8 * DAY


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_a_moment_that_cannot_be_is_refused(moment: str) -> None:
    assert refusal(raw(ts=moment, imported=True)) == ("invalid", "ts")
    assert refusal(raw(sent_at=moment, imported=True)) == ("invalid", "sent_at")


# properties


def test_properties_become_a_string_that_holds_their_json() -> None:
    assert (
        only(raw(properties={"plan": "pro", "n": [1, {"ü": None}]}))["properties"]
        == '{"plan":"pro","n":[1,{"ü":null}]}'
    )
    assert "properties" not in only(raw(properties={}))
    assert "properties" not in only(raw(properties=None))


@pytest.mark.parametrize("wrong", [[1], "text", 5, True])
def test_properties_that_are_no_object_are_refused(wrong: object) -> None:
    assert refusal(raw(properties=wrong)) == ("invalid", "properties")


def test_too_many_properties_or_too_long_a_name_are_refused() -> None:
    assert len(only(raw(properties={f"p{i}": i for i in range(255)}))["properties"]) > 255
    assert refusal(raw(properties={f"p{i}": i for i in range(256)})) == ("too_many_properties", "properties")
    assert only(raw(properties={"ü" * 200: 1}))["properties"]
    assert refusal(raw(properties={"p" * 201: 1})) == ("too_many_properties", "properties")
    assert only(raw(properties={"times": ":" * 300}))["properties"]


NESTED = st.builds(
    lambda levels, name, inner: json.dumps({name: "?"}).replace('"?"', "[" * levels + inner + "]" * levels),
    st.integers(0, 40),
    st.text(max_size=20),
    st.sampled_from(["", "1", '""', "{}"]),
)
MANY = st.dictionaries(st.text(max_size=3), st.none() | st.integers(0, 9), max_size=20).map(
    lambda some: json.dumps(some, separators=(",", ":"))
)


@given(NESTED | MANY)
@example('{"":' + "[" * 30 + "]" * 30 + "}")
@example('{"":' + "[" * 29 + "0" + "]" * 29 + "}")
def test_what_is_surely_within_the_limits_breaks_none(text: str) -> None:
    if len(text.encode()) <= SURELY_WITHIN:
        assert beyond(text.encode()) is None


def test_properties_that_are_no_text_are_refused() -> None:
    assert refusal(b'{"event":"a","site_id":"shop","properties":{"a":"\xff"}}') == ("malformed", "properties")


# user agent


@pytest.mark.parametrize(
    ("user_agent", "kind", "browser", "os"),
    [
        (CHROME, "desktop", "Chrome", "Windows"),
        (IPHONE, "mobile", "Mobile Safari", "iOS"),
        (IPAD, "tablet", "Mobile Safari", "iOS"),
        (ANDROID.format("K", "Mobile "), "mobile", "Chrome Mobile", "Android"),
        (ANDROID.format("SM-X910", ""), "tablet", "Chrome", "Android"),
        (ANDROID.format("CUBOT NOTE 20", "Mobile "), "mobile", "Chrome Mobile", "Android"),
        (TV, "tv", "Safari", "Tizen"),
    ],
)
def test_a_user_agent_tells_browser_system_and_kind(user_agent: str, kind: str, browser: str, os: str) -> None:
    found = only(raw(user_agent=user_agent))
    assert (found["device_type"], found["browser"], found["os"]) == (kind, browser, os)
    assert "bot" not in found
    assert "user_agent" not in found


def test_versions_are_major_ones() -> None:
    found = only(raw(user_agent=CHROME))
    assert (found["browser_version"], found["os_version"]) == ("131", "10")


def test_what_the_client_says_of_its_device_stands() -> None:
    found = only(raw(user_agent=CHROME, browser="Own", os="OwnOS", device_type="kiosk"))
    assert (found["browser"], found["os"], found["device_type"]) == ("Own", "OwnOS", "kiosk")
    assert "browser_version" not in found


@pytest.mark.parametrize(
    "user_agent", [GOOGLEBOT, HEADLESS, "GPTBot/1.0", "UptimeRobot/2.0", "facebookexternalhit/1.1"]
)
def test_crawlers_are_marked_and_kept(user_agent: str) -> None:
    found = only(raw(user_agent=user_agent))
    assert (found["bot"], found["device_type"]) == (True, "bot")


@pytest.mark.parametrize("user_agent", ["curl/8.1", "python-requests/2.31", "Go-http-client/2.0"])
def test_a_library_is_a_machine_only_where_it_was_the_visitors_own(user_agent: str) -> None:
    assert "bot" not in only(raw(user_agent=user_agent))
    assert only(raw(user_agent=user_agent, imported=True))["bot"] is True


@pytest.mark.parametrize("user_agent", ["", " ", "x" * 1024, "\0", "💥", "(((((", "Mozilla/"])
def test_any_text_may_stand_for_a_user_agent(user_agent: str) -> None:
    assert not device_of(user_agent).is_crawler


# page, referrer, campaign, channel


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://Shop.Example:8443/a/b?x=1#y", "shop.example", "/a/b"),
        ("https://shop.example", "shop.example", "/"),
        ("/relative?x", None, "/relative"),
        ("http://[broken", None, None),
        ("mailto:a@b.example", None, "a@b.example"),
    ],
)
def test_a_url_has_a_host_and_a_path(url: str, host: str | None, path: str | None) -> None:
    found = only(raw(url=url))
    assert (found.get("host"), found.get("path")) == (host, path)


def test_the_referrer_is_a_host_unless_it_is_the_sites_own() -> None:
    assert (
        only(raw(url="https://shop.example/", referrer="https://www.news.example/x"))["referrer_host"] == "news.example"
    )
    assert "referrer_host" not in only(raw(url="https://shop.example/", referrer="https://www.shop.example/y"))


def test_the_campaign_is_read_from_the_url_where_the_client_names_none() -> None:
    url = "https://shop.example/?utm_source=a%20b&utm_medium=cpc&utm_campaign=c&utm_term=t&utm_content=n&utm_source=z"
    found = only(raw(url=url, utm_campaign="own"))
    names = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
    assert [found[name] for name in names] == ["a b", "cpc", "own", "t", "n"]


def test_ref_stands_for_the_source() -> None:
    assert only(raw(url="https://shop.example/?ref=hackernews"))["utm_source"] == "hackernews"
    assert "utm_source" not in only(raw(url="https://shop.example/?page=2"))


def test_the_channel_is_put() -> None:
    page = "https://shop.example/"
    assert only(raw(url=page))["channel"] == "direct"
    assert only(raw(url=page, referrer="https://www.google.com/"))["channel"] == "organic search"
    assert only(raw(url=page + "?gclid=1"))["channel"] == "paid search"
    assert only(raw(url=page, referrer=page))["channel"] == "direct"


def test_what_is_no_visit_has_no_channel() -> None:
    assert "channel" not in only(raw(event="invoice_paid", user_id="u1"))


def test_what_refinement_adds_cannot_be_forged() -> None:
    forged: dict[str, Any] = {
        "host": "h",
        "path": "p",
        "referrer_host": "r",
        "channel": "c",
        "browser_version": "1",
        "os_version": "2",
    }
    forged |= {"asn": 5, "bot": True, "clock": "future", "as_org": "o", "as_entropy": 1.5, "network": "eyeball"}
    forged |= {"network_source": "s", "network_days": 3, "bot_name": "n", "bot_kind": "k", "bot_claim": "verified"}
    assert only(raw(**forged, event_id=ID.format(1))) == only(raw(event_id=ID.format(1)))
    mistyped = raw(bot="yes", asn="x", path=5, event_id=ID.format(1))
    assert only(mistyped) == only(raw(event_id=ID.format(1)))


def test_one_currency_is_written_in_one_way() -> None:
    assert only(raw(revenue=1.5, currency="eur"))["currency"] == "EUR"
