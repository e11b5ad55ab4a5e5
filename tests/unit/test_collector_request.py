"""A request apart from its events: key, origin, form, compression, address."""

import gzip
import zlib
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from api.collector import access, answer, cors, media
from api.collector.access import allows
from api.collector.answer import Problem
from api.collector.header import MAX_BLOCK_BYTES, demand_short
from api.collector.inflate import inflate
from api.collector.media import is_lines
from api.collector.receipt import Rules, receipt
from api.collector.visitor import country, is_trusted, proxies, visitor_address
from api.keyring import Key
from pulse.clock import Bounds
from pulse.errors import SettingError
from pulse.rejection import Reason, Rejection

LIMIT = 1_000_000
WRITE = frozenset({"events:write"})
ORIGINS = ("https://shop.example.com", "https://*.example.org/")


def key(**changed: Any) -> Key:
    given_key = {"id": "k", "organisation": "o", "site_id": "shop", "scopes": WRITE, "origins": (), "public": False}
    return Key(**{**given_key, **changed})


def problem(call: Any, *given_values: Any) -> Problem:
    with pytest.raises(Problem) as told:
        call(*given_values)
    return told.value


@pytest.mark.parametrize(
    ("headers", "query", "found"),
    [
        ({b"authorization": b"Bearer abc"}, b"", ("abc", False)),
        ({b"authorization": b"bearer  abc "}, b"", ("abc", False)),
        ({b"x-api-key": b"abc"}, b"", ("abc", False)),
        ({b"authorization": b"Basic eA==", b"x-api-key": b"abc"}, b"", ("abc", False)),
        ({b"authorization": b"Bearer abc", b"x-api-key": b"def"}, b"api_key=ghi", ("abc", False)),
        ({}, b"a=b&api_key=abc", ("abc", True)),
    ],
)
def test_a_key_is_found_where_it_may_stand(headers: dict[bytes, bytes], query: bytes, found: tuple[str, bool]) -> None:
    assert access.presented(headers, query) == found


@pytest.mark.parametrize("query", [b"", b"api_key=", b"apikey=x"])
def test_no_key_is_answered_with_what_to_do(query: bytes) -> None:
    told = problem(access.presented, {b"authorization": b"Bearer"}, query)
    assert told.status == 401
    assert access.CHALLENGE in told.headers


def test_a_key_writes_to_its_site() -> None:
    assert access.admit(key(), False, "") == "shop"
    assert access.admit(key(), False, "https://anywhere.example") == "shop"


@pytest.mark.parametrize(
    ("changed", "in_address", "status"),
    [
        ({"scopes": frozenset({"stats:read", "admin"})}, False, 403),
        ({"site_id": None}, False, 403),
        ({}, True, 401),
    ],
)
def test_a_key_that_may_not_write_is_told_why(changed: dict[str, Any], in_address: bool, status: int) -> None:
    assert problem(access.admit, key(**changed), in_address, "").status == status


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://shop.example.com", True),
        ("https://SHOP.example.com", True),
        ("http://shop.example.com", False),
        ("https://shop.example.com.evil.example", False),
        ("https://a.example.org", True),
        ("https://a.b.example.org", True),
        ("https://.example.org", False),
        ("https://example.org", False),
        ("https://evil.example/x.example.org", False),
        ("null", False),
        ("", False),
    ],
)
def test_a_public_key_is_bound_to_its_origins(origin: str, allowed: bool) -> None:
    public = key(public=True, origins=ORIGINS)
    if allowed:
        assert access.admit(public, True, origin) == "shop"
    else:
        told = problem(access.admit, public, False, origin)
        assert told.status == 403
        assert origin in told.detail


@pytest.mark.parametrize("origin", ["", "null", "https://anywhere.example"])
def test_a_star_is_every_origin_and_no_origin_is_none(origin: str) -> None:
    assert access.allows(("*",), origin)
    assert not access.allows((), origin)


@pytest.mark.parametrize(
    ("content_type", "lines"),
    [
        (b"", False),
        (b"application/json", False),
        (b"Application/JSON; charset=utf-8", False),
        (b"text/plain;charset=UTF-8", False),
        (b"application/x-ndjson", True),
        (b"application/ndjson; x=y", True),
    ],
)
def test_forms_that_are_taken(content_type: bytes, lines: bool) -> None:
    assert media.is_lines(content_type) is lines


@pytest.mark.parametrize(
    "content_type", [b"application/x-www-form-urlencoded", b"multipart/form-data", b"\xff", b"json"]
)
def test_other_forms_are_not(content_type: bytes) -> None:
    assert problem(media.is_lines, content_type).status == 415


def test_compressions_that_are_taken() -> None:
    assert [media.coding(c) for c in (b"", b"identity", b"GZIP", b"x-gzip", b"zstd")] == [
        "",
        "",
        "gzip",
        "gzip",
        "zstd",
    ]
    told = problem(media.coding, b"br")
    assert told.status == 415
    assert (b"accept-encoding", b"gzip, zstd") in told.headers


def _zstd(body: bytes, **options: Any) -> bytes:
    return zstandard.ZstdCompressor(**options).compress(body)


def _streamed(body: bytes) -> bytes:
    stream = zstandard.ZstdCompressor().compressobj()
    return stream.compress(body) + stream.flush()


@given(st.binary(max_size=5_000), st.integers(1, 3))
def test_compressed_bodies_come_out_as_they_went_in(body: bytes, streams: int) -> None:
    assert inflate(body, "", LIMIT) == body
    assert inflate(gzip.compress(body) * streams, "gzip", LIMIT) == body * streams
    assert inflate(_zstd(body) * streams, "zstd", LIMIT) == body * streams
    assert inflate(_streamed(body) * streams, "zstd", LIMIT) == body * streams


@given(st.binary(min_size=1, max_size=2_000), st.sampled_from(["gzip", "zstd"]), st.data())
def test_an_unfinished_or_broken_body_is_malformed(body: bytes, coding: str, data: st.DataObject) -> None:
    whole = gzip.compress(body) if coding == "gzip" else _zstd(body)
    end = data.draw(st.integers(0, len(whole) - 1))
    if end:
        assert problem(inflate, whole[:end], coding, LIMIT).status == 400
    assert problem(inflate, b"no " + whole, coding, LIMIT).status == 400
    assert problem(inflate, whole + b"more", coding, LIMIT).status == 400


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_the_limit_is_exact(coding: str) -> None:
    pack = gzip.compress if coding == "gzip" else _zstd
    assert len(inflate(pack(b"x" * LIMIT), coding, LIMIT)) == LIMIT
    assert problem(inflate, pack(b"x" * (LIMIT + 1)), coding, LIMIT).status == 413


def test_bombs_stop_at_the_limit() -> None:
    huge = b"\0" * 200_000_000
    packed = gzip.compress(huge, 9)
    assert problem(inflate, packed, "gzip", LIMIT).status == 413
    assert problem(inflate, _streamed(huge), "zstd", LIMIT).status == 413
    assert inflate(gzip.compress(packed, 9), "gzip", LIMIT) == packed
    assert problem(inflate, gzip.compress(b"") * 100_000, "gzip", LIMIT).status == 400
    assert problem(inflate, _zstd(b"") * 100_000, "zstd", LIMIT).status == 400


def test_a_zstd_frame_may_not_ask_for_a_huge_window() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=3)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    assert problem(inflate, stream.compress(b"x" * 1000) + stream.flush(), "zstd", LIMIT).status == 400


def test_raw_deflate_is_not_gzip() -> None:
    assert problem(inflate, zlib.compress(b"x"), "gzip", LIMIT).status == 400


TRUSTED = proxies("127.0.0.1/32, 10.0.0.0/8, ::1/128")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "1.1.1.1", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.1.1.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", "10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "1.1.1.1, nonsense, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("::1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("::1", "2001:DB8::0007", "2001:db8::7"),
        ("::ffff:127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "", "fe80::1"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_visitor_is_the_nearest_hop_that_is_no_trusted_proxy(peer: str, forwarded: str, address: str) -> None:
    assert visitor_address(peer, forwarded, TRUSTED) == address


@given(st.text(max_size=60))
def test_no_header_makes_an_untrusted_connection_another(forwarded: str) -> None:
    assert visitor_address("203.0.113.9", forwarded, TRUSTED) == "203.0.113.9"
    assert visitor_address("127.0.0.1", forwarded, TRUSTED)
    assert not is_trusted("203.0.113.9", TRUSTED)


def test_a_network_that_is_none_is_a_setting_s_fault() -> None:
    with pytest.raises(SettingError, match="PULSE_TRUSTED_PROXIES"):
        proxies("10.0.0.0/8, home")


def test_countries_of_proxies() -> None:
    assert [country(text) for text in ("at", "AT", "XX", "T1", "", "AUT", "AT\n")] == ["AT", "AT"] + [None] * 5


def test_a_receipt_believes_headers_of_trusted_proxies_alone() -> None:
    rules = Rules(Bounds(), TRUSTED, b"cf-ipcountry")
    listed = [(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"203.0.113.9"), (b"cf-ipcountry", b"at")]
    listed += [(b"user-agent", b"x" * 2_000)]

    def seen(peer: str) -> tuple[str | None, str | None]:
        scope = {"client": (peer, 1), "headers": listed}
        made = receipt(scope, dict(listed), key(), "shop", 5, rules)
        assert len(made.user_agent or "") == 1024
        return made.ip, made.country

    assert seen("127.0.0.1") == ("203.0.113.9", "AT")
    assert seen("198.51.100.1") == ("198.51.100.1", None)


def test_a_receipt_has_the_three_client_hints_that_browsers_send_unasked() -> None:
    def hints(*listed: tuple[bytes, bytes]) -> str | None:
        return receipt(
            {"client": None, "headers": []}, dict(listed), key(), "shop", 5, Rules(Bounds(), proxies(""))
        ).client_hints

    brands = (b"sec-ch-ua", b'"Chromium";v="131"')
    more = (b"sec-ch-ua-mobile", b"?0"), (b"sec-ch-ua-platform", b'"Windows"'), (b"sec-ch-ua-model", b'"Pixel"')
    assert hints() is None
    assert hints(brands) == '"Chromium";v="131"||'
    assert hints(brands, *more) == '"Chromium";v="131"|?0|"Windows"'
    assert hints((b"sec-ch-ua", b"x" * 600)) is None


def test_a_receipt_knows_what_the_key_may() -> None:
    rules = Rules(Bounds(), proxies(""))
    scope: dict[str, Any] = {"client": None, "headers": []}
    public = receipt(scope, {}, key(public=True), "shop", 5, rules)
    importing = receipt(scope, {}, key(scopes=WRITE | {"events:import"}), "shop", 5, rules)
    assert (public.secret, public.imports, public.ip, public.user_agent) == (False, False, None, None)
    assert (importing.secret, importing.imports) == (True, True)


def test_answers_have_the_form_that_is_promised() -> None:
    refused = [Rejection(2, Reason.invalid, "why", "event", "id"), Rejection(0, Reason.too_large, "size")]
    told = [
        {"index": 0, "id": None, "field": None, "reason": "too_large", "detail": "size"},
        {"index": 2, "id": "id", "field": "event", "reason": "invalid", "detail": "why"},
    ]
    assert json.decode(answer.accepted(1, refused)) == {"accepted": 1, "refused": told}
    assert answer.accepted(3, []) == b'{"accepted":3,"refused":[]}'
    status, headers, content = answer.failed(answer.all_refused(refused))
    body = json.decode(content)
    assert (status, body["status"], body["title"], body["accepted"], body["refused"]) == (
        400,
        400,
        "Bad Request",
        0,
        told,
    )
    assert body["type"] == "urn:pulse:problem:no_event_accepted"
    assert answer.PROBLEM in headers
    assert (b"retry-after", b"7") in answer.failed(answer.untaken("away", 7)).headers


def test_only_requests_of_pages_get_headers_for_pages() -> None:
    assert cors.allowing(None) == ()
    assert (b"access-control-allow-origin", b"https://a.example") in cors.allowing(b"https://a.example")


def test_headers_are_bounded_together() -> None:
    most = MAX_BLOCK_BYTES - len(b"x-forwarded-for: \r\n")
    demand_short([(b"x-forwarded-for", b"1" * most)])
    told = problem(demand_short, [(b"x-forwarded-for", b"1" * (most + 1))])
    assert (told.status, told.name) == (431, "headers_too_large")
    assert problem(demand_short, [(b"a", b"")] * 10_000).status == 431


@pytest.mark.parametrize(
    ("call", "short", "long"),
    [
        (lambda text: visitor_address("127.0.0.1", text, TRUSTED), "203.0.113.77", "203.0.113.77" + " " * 300),
        (lambda text: allows(("*", "https://own.example"), text), "https://own.example", "https://" + "o" * 300),
        (lambda text: is_lines(text.encode()), "application/json;q=7", "application/json;" + "q" * 300),
    ],
)
def test_long_headers_mean_the_same_and_are_not_remembered(call: Any, short: str, long: str) -> None:
    def remembered() -> int:
        caches: tuple[Any, ...] = (visitor_address, allows, is_lines)
        return sum(each.cache_info().currsize for each in caches)

    before = remembered()
    found = call(long)
    assert remembered() == before
    assert call(short) == found
    assert remembered() == before + 1
