"""Bodies that are no events: refused with a reason, whatever they are, and nobody else notices."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import services
from tests.collecting import Collector, collecting, create_raw, events
from tests.eventually import eventually


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker with the raw log."""
    service = services.embedded_kafka(tmp_path_factory.mktemp("kafka"))
    service.start()
    create_raw(service.url)
    yield service.url
    service.kill()


@pytest.fixture(scope="module")
def collector(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector that is ready, and at the end has taken the one good event of each test and no other."""
    with collecting(broker, tmp_path_factory.mktemp("collector")) as running:
        eventually(lambda: running.client.get("/health/ready").status_code == 200)
        yield running
        assert running.metric("pulse_collector_requests_total" + '{status="202"}') == len(events(broker))
        assert {event.event for event in events(broker)} == {"good"}


def refused(collector: Collector, body: bytes, **headers: str) -> None:
    """The body is refused with a reason."""
    answer = collector.post(body, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert 400 <= answer.status_code < 500, (answer.status_code, body[:200])
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def taken(collector: Collector) -> None:
    """A good event passes."""
    assert collector.post({"event": "good"}).status_code == 202


DEEP = 100_000
HANDMADE: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b" \t\r\n",
    "NULs": b"\0" * 1000,
    "NUL in a name": b'{"event":"a\0b"}',
    "control characters": b'{"event":"a\x01\x1fb"}',
    "no UTF-8": b'{"event":"\xff\xfe"}',
    "overlong UTF-8": b'{"event":"\xc0\x80"}',
    "UTF-8 of a surrogate": b'{"event":"\xed\xa0\x80"}',
    "UTF-16": '{"event":"e"}'.encode("utf-16"),
    "UTF-32": '{"event":"e"}'.encode("utf-32"),
    "lone surrogate": b'{"event":"\\ud800"}',
    "lone low surrogate": b'{"event":"\\udc00x"}',
    "lone surrogate in a property": b'{"event":"e","properties":{"a":"\\ud800"}}',
    "lone surrogate as a property's name": b'{"event":"e","properties":{"\\ud800":1}}',
    "deep array": b"[" * DEEP,
    "deep closed array": b"[" * DEEP + b"]" * DEEP,
    "deep object": b'{"a":' * DEEP,
    "deep property": b'{"event":"e","properties":{"p":' + b"[" * DEEP + b"]" * DEEP + b"}}",
    "deep property, all objects": b'{"event":"e","properties":' + b'{"p":' * DEEP + b"1" + b"}" * DEEP + b"}",
    "deep unknown field": b'{"event":"e","z":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "huge integer as time": b'{"event":"e","ts":' + b"9" * 5_000 + b"}",
    "huge integer as property": b'{"event":"e","properties":{"n":' + b"9" * 5_000 + b"}}",
    "huge exponent": b'{"event":"e","revenue":1e999}',
    "huge exponent as property": b'{"event":"e","properties":{"n":[1e999]}}',
    "huge exponent as time": b'{"event":"e","ts":1e300}',
    "a million digits": b'{"event":"e","revenue":0.' + b"1" * 1_000_000 + b"e400}",
    "NaN": b'{"event":"e","revenue":NaN}',
    "Infinity": b'{"event":"e","ts":-Infinity}',
    "year 9999": b'{"event":"e","ts":"9999-12-31T23:59:59-14:00"}',
    "year 1": b'{"event":"e","ts":"0001-01-01T00:00:00+14:00"}',
    "impossible date": b'{"event":"e","ts":"2026-02-30T00:00:00Z"}',
    "time of sending of year 1": b'{"event":"e","ts":1790000000000,"sent_at":"0001-01-01T00:00:00Z"}',
    "envelope of year 1": b'{"events":[{"event":"e"}],"sent_at":"0001-01-01T00:00:00Z"}',
    "half": b'{"event":"e"',
    "half an array": b'[{"event":"e"},',
    "two values": b'{"event":"e"} {"event":"e"}',
    "comma too many": b'[{"event":"e"},]',
    "single quotes": b"{'event':'e'}",
    "only a number": b"1",
    "only a text": b'"e"',
    "null": b"null",
    "list of null": b"[null,null]",
    "list of lists": b"[[[]]]",
    "many closed brackets": b"]" * 10_000,
    "event of 1 MB": b'{"event":"' + b"e" * 1_000_000 + b'"}',
    "property of 1 MB": b'{"event":"e","properties":{"p":"' + b"x" * 1_000_000 + b'"}}',
    "a thousand properties": json.dumps({"event": "e", "properties": dict.fromkeys(map(str, range(1000)))}).encode(),
    "ten million numbers": b"[" + b"1," * 9_999_999 + b"1]",
    "a million empty objects": b"[" + b"{}," * 999_999 + b"{}]",
    "last of two names is bad": b'{"event":"e","event":1}',
    "properties twice": b'{"event":"e","properties":{},"properties":[]}',
    "HTML": b"<html><body>hello</body></html>",
    "form": b"event=e&visitor=1",
}


@pytest.mark.parametrize("name", HANDMADE)
def test_handmade_bodies_are_refused(collector: Collector, name: str) -> None:
    refused(collector, HANDMADE[name])
    if name not in ("two values",):
        refused(collector, HANDMADE[name].replace(b"\n", b" "), content_type="application/x-ndjson")
    taken(collector)


def _zstd_bomb() -> bytes:
    stream = zstandard.ZstdCompressor().compressobj()
    return stream.compress(b"\0" * 300_000_000) + stream.flush()


PACKED: dict[str, tuple[str, bytes]] = {
    "gzip bomb": ("gzip", gzip.compress(b"\0" * 300_000_000, 9)),
    "gzip bomb of JSON": ("gzip", gzip.compress(b"[" + b"1," * 20_000_000, 9)),
    "gzip in gzip": ("gzip", gzip.compress(gzip.compress(b'{"event":"e"}'))),
    "many empty gzips": ("gzip", gzip.compress(b"") * 50_000),
    "cut gzip": ("gzip", gzip.compress(b'{"event":"e"}')[:-4]),
    "gzip with a wrong sum": ("gzip", gzip.compress(b'{"event":"e"}')[:-8] + b"\0" * 8),
    "gzip that is none": ("gzip", b'{"event":"e"}'),
    "empty gzip": ("gzip", b""),
    "zstd bomb": ("zstd", _zstd_bomb()),
    "zstd bomb that says so": ("zstd", zstandard.compress(b"\0" * 300_000_000)),
    "cut zstd": ("zstd", zstandard.compress(b'{"event":"e"}')[:-2]),
    "zstd that is none": ("zstd", b'{"event":"e"}'),
    "many empty zstds": ("zstd", zstandard.compress(b"") * 50_000),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_bodies_are_refused(collector: Collector, name: str) -> None:
    coding, body = PACKED[name]
    refused(collector, body, content_encoding=coding)
    taken(collector)


names = st.text(max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
anything = st.recursive(
    scalars, lambda v: st.lists(v, max_size=4) | st.dictionaries(names, v, max_size=4), max_leaves=12
)
no_name = anything.filter(lambda value: not isinstance(value, str) or not 1 <= len(value) <= 200)
BAD_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "event": no_name,
    "event_id": st.text().filter(lambda text: len(text) != 36) | st.integers(),
    "ts": st.text(alphabet="abcxyz:-")
    | st.integers(max_value=-1)
    | st.integers(min_value=4_102_444_800_001)
    | st.booleans(),
    "sent_at": st.lists(scalars) | st.floats(max_value=-1, allow_infinity=False),
    "visitor_id": st.integers() | st.text(min_size=201, max_size=300),
    "url": st.text(min_size=4097, max_size=4200) | st.floats(),
    "country": st.text(min_size=3) | st.integers(),
    "revenue": st.text() | st.floats(min_value=1.1e12),
    "currency": st.text(max_size=2).filter(bool),
    "consent": st.text().filter(lambda text: text not in ("granted", "denied")),
    "properties": st.text() | st.lists(anything) | st.integers(),
}


def with_one_bad_field(field: str) -> st.SearchStrategy[bytes]:
    return BAD_FIELDS[field].map(lambda value: json.dumps({"event": "good", field: value}).encode())


def is_no_event(body: bytes) -> bool:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return True
    return not isinstance(value, dict | list)


bad_events = st.sampled_from(sorted(BAD_FIELDS)).flatmap(with_one_bad_field)
cut_events = st.integers(1, 60).map(
    lambda end: b'[{"event":"good","properties":{"a":[1,2,{"b":"\\u00e4"}]}},{"event":"x"}]'[:end]
)
malformed = st.one_of(
    bad_events,
    cut_events,
    st.lists(bad_events, min_size=1, max_size=5).map(lambda each: b"[" + b",".join(each) + b"]"),
    st.lists(bad_events, min_size=2, max_size=5).map(b"\n".join),
    st.binary(max_size=400).filter(is_no_event),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")).filter(is_no_event),
    anything.filter(lambda value: not isinstance(value, dict | list)).map(lambda value: json.dumps(value).encode()),
    st.integers(2_000, 60_000).map(lambda depth: b'{"event":"good","properties":{"a":' + b"[" * depth),
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(malformed)
def test_five_hundred_malformed_bodies_are_refused(collector: Collector, body: bytes) -> None:
    refused(collector, body)


def test_a_good_event_passes_after_all_of_them(collector: Collector) -> None:
    taken(collector)
