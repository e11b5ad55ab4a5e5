"""The collector as its callers see it: the real process before a real broker."""

import gzip
import json
import socket
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import zstandard

from api.control.keys import NewKey
from api.control.store import Store
from pulse.event import MAX_EVENTS_PER_REQUEST, MAX_REQUEST_BYTES, RawEvent
from pulse.topics import partition_of
from tests import services
from tests.collecting import (
    ORIGIN,
    PARTITIONS,
    SECRET,
    SITE,
    Collector,
    collecting,
    create_raw,
    events,
    records,
    slow_events,
)
from tests.eventually import eventually

GZIP = {"content-encoding": "gzip"}
ZSTD = {"content-encoding": "zstd"}
PROXIED = {"x-forwarded-for": "198.51.100.7, 203.0.113.9", "cf-ipcountry": "at"}


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
    """A collector that is ready."""
    folder = tmp_path_factory.mktemp("collector")
    with collecting(broker, folder, {"PULSE_COUNTRY_HEADER": "CF-IPCountry"}) as running:
        eventually(lambda: running.client.get("/health/ready").status_code == 200)
        yield running


def named(**fields: Any) -> tuple[str, dict[str, Any]]:
    """An event that is found again by its name."""
    name = f"event {uuid4()}"
    return name, {"event": name, **fields}


def stored(broker: str, name: str) -> RawEvent:
    """The one event of this name in the raw log."""
    (found,) = [event for event in events(broker) if event.event == name]
    return found


def test_an_accepted_event_is_in_the_log_stamped_on_its_visitor_s_partition(collector: Collector, broker: str) -> None:
    before = time.time() * 1000
    name, event = named(visitor_id="v-1", properties={"plan": "pro", "n": 1.5})
    answer = collector.post(event, headers={"user-agent": "Safari"})
    assert (answer.status_code, answer.content) == (202, b'{"accepted":1,"refused":[]}')
    (record,) = [record for record in records(broker) if name.encode() in record.value]
    (found,) = record.events
    assert record.partition == partition_of(SITE, "v-1", PARTITIONS)
    assert (found.site_id, found.ip, found.user_agent) == (SITE, "127.0.0.1", "Safari")
    assert found.properties == {"plan": "pro", "n": 1.5}
    assert found.event_id
    assert before - 1 <= found.received_at <= time.time() * 1000
    assert found.ts == found.received_at


def test_what_a_site_does_not_keep_is_in_no_log(collector: Collector, broker: str) -> None:
    store, now = Store(f"sqlite:///{collector.folder / 'pulse.db'}"), time.time_ns() // 1_000_000
    store.sites.create("ours", "hidden", {"name": "Hidden", "mode": "anonymous"}, now)
    key = store.keys.create(NewKey("ours", "hidden", "k", ("events:write",)), SECRET.encode(), now).presented
    store.close()
    told = {"visitor_id": "v-81", "user_id": "ada", "session_id": "s-1", "fingerprint_id": "f9f9", "consent": "granted"}
    name, event = named(**told, timezone="Europe/Vienna", properties={"plan": "pro"})
    assert collector.post(event, None, headers={"x-api-key": key}).status_code == 202
    found = stored(broker, name)
    assert (found.site_id, found.consent, found.properties) == ("hidden", "granted", {"plan": "pro"})
    assert (found.visitor_id, found.user_id, found.session_id, found.fingerprint_id, found.timezone) == (None,) * 5
    assert not any(b"f9f9" in record.value for record in records(broker))


@pytest.mark.parametrize("content_type", ["application/json", "text/plain;charset=UTF-8", None])
@pytest.mark.parametrize("form", ["one", "array", "envelope"])
def test_json_is_taken_in_every_form(collector: Collector, broker: str, form: str, content_type: str | None) -> None:
    name, event = named()
    value = {"one": event, "array": [event], "envelope": {"events": [event]}}[form]
    headers = {"authorization": f"Bearer {collector.keys['secret']}"}
    if content_type:
        headers["content-type"] = content_type
    assert collector.client.post("/v1/events", content=json.dumps(value), headers=headers).status_code == 202
    assert stored(broker, name).site_id == SITE


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/json", "text/plain"])
def test_ndjson_is_taken(collector: Collector, broker: str, content_type: str) -> None:
    name, event = named()
    lines = "\n".join(json.dumps(each) for each in ({"event": "before"}, event))
    answer = collector.post(lines.encode(), headers={"content-type": content_type})
    assert answer.json() == {"accepted": 2, "refused": []}
    assert stored(broker, name)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("count", [1, MAX_EVENTS_PER_REQUEST])
def test_compressed_bodies_are_taken(collector: Collector, broker: str, coding: str, count: int) -> None:
    name, event = named(properties={"noise": uuid4().hex * 40})
    body = json.dumps([event] + [{"event": "more", "title": uuid4().hex * 10}] * (count - 1)).encode()
    packed = gzip.compress(body) if coding == "gzip" else zstandard.compress(body)
    answer = collector.post(packed, headers={"content-encoding": coding})
    assert answer.json() == {"accepted": count, "refused": []}
    assert stored(broker, name)


def test_bad_events_are_named_and_the_others_taken(collector: Collector, broker: str) -> None:
    name, event = named()
    sent = [
        {"event": "", "event_id": "0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee"},
        event,
        {"event": "e", "site_id": "rival"},
        {"event": "e", "ts": 1},
        {"event": "e", "properties": {"p": "x" * 40_000}},
    ]
    answer = collector.post(sent)
    told = answer.json()
    assert answer.status_code == 202
    assert told["accepted"] == 1
    assert [(r["index"], r["field"], r["reason"]) for r in told["refused"]] == [
        (0, "event", "invalid"),
        (2, "site_id", "wrong_site"),
        (3, "ts", "too_old"),
        (4, None, "too_large"),
    ]
    assert told["refused"][0]["id"] == "0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee"
    assert all(r["detail"] for r in told["refused"])
    assert stored(broker, name)


def test_a_key_that_may_import_sends_old_events(collector: Collector, broker: str) -> None:
    name, event = named(ts="2019-05-01T12:00:00Z")
    assert collector.post(event).status_code == 400
    assert collector.post(event, "importing").status_code == 202
    (found,) = [event for event in slow_events(broker) if event.event == name]
    assert (found.ts, found.imported) == (1_556_712_000_000, True)


def test_a_server_speaks_for_its_visitors_and_a_page_does_not(collector: Collector, broker: str) -> None:
    claims = {"ip": "192.0.2.1", "user_agent": "Claimed"}
    server, from_server = named(**claims)
    page, from_page = named(**claims)
    assert collector.post(from_server, headers=PROXIED).status_code == 202
    assert (
        collector.post(from_page, "public", headers={"origin": ORIGIN, "user-agent": "Seen", **PROXIED}).status_code
        == 202
    )
    believed, seen = stored(broker, server), stored(broker, page)
    assert (believed.ip, believed.user_agent, believed.country) == ("192.0.2.1", "Claimed", None)
    assert (seen.ip, seen.user_agent, seen.country) == ("203.0.113.9", "Seen", "AT")


def test_the_envelope_s_time_of_sending_reaches_its_events(collector: Collector, broker: str) -> None:
    name, event = named(ts=int(time.time() * 1000) - 90_000)
    sent_at = int(time.time() * 1000) - 60_000
    assert collector.post({"events": [event], "sent_at": sent_at}).status_code == 202
    assert stored(broker, name).sent_at == sent_at


def problem(answer: Any, status: int) -> dict[str, Any]:
    """A problem as it should be told."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["type"]
    assert told["title"]
    assert told["detail"]
    return told


def test_all_bad_is_a_problem_that_names_each(collector: Collector) -> None:
    told = problem(collector.post([{"event": 1}, {}]), 400)
    assert told["accepted"] == 0
    assert [r["index"] for r in told["refused"]] == [0, 1]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"events":[]}', b"\n\n"])
def test_nothing_is_a_problem(collector: Collector, body: bytes) -> None:
    problem(collector.post(body), 400)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer pulse_prod_" + "x" * 32},
        {"authorization": "Bearer " + "x" * 5_000},
        {"authorization": "Bearer ключ".encode()},
        {"authorization": "Basic eDp5"},
        {"x-api-key": "nonsense"},
    ],
)
def test_no_valid_key_is_401(collector: Collector, headers: dict[str, Any]) -> None:
    answer = collector.client.post("/v1/events", json={"event": "e"}, headers=headers)
    problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_every_way_to_present_a_key(collector: Collector) -> None:
    secret, public = collector.keys["secret"], collector.keys["public"]
    post = collector.client.post
    assert post("/v1/events", json={"event": "e"}, headers={"x-api-key": secret}).status_code == 202
    beacon = {"content-type": "text/plain;charset=UTF-8", "origin": ORIGIN}
    assert post(f"/v1/events?api_key={public}", content=b'{"event":"e"}', headers=beacon).status_code == 202
    told = problem(post(f"/v1/events?api_key={secret}", json={"event": "e"}), 401)
    assert secret not in str(told)


@pytest.mark.parametrize("key", ["reading", "everywhere"])
def test_a_key_that_may_not_write_here_is_403(collector: Collector, key: str) -> None:
    problem(collector.post({"event": "e"}, key), 403)


@pytest.mark.parametrize("origin", [ORIGIN, "https://blog.example.org"])
def test_a_page_of_an_allowed_origin_may_send_and_read_the_answer(collector: Collector, origin: str) -> None:
    for event, status in (({"event": "e"}, 202), ({}, 400)):
        answer = collector.post(event, "public", headers={"origin": origin})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == origin
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
def test_a_page_of_another_origin_is_refused_by_name(collector: Collector, origin: str | None) -> None:
    told = problem(collector.post({"event": "e"}, "public", headers={"origin": origin} if origin else {}), 403)
    assert (origin or "Origin") in told["detail"]


def test_a_preflight_needs_no_key(collector: Collector) -> None:
    asked = {
        "origin": ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type, content-encoding, x-api-key",
    }
    answer = collector.client.options("/v1/events", headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert set(allowed) == {"authorization", "content-type", "content-encoding", "x-api-key"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_other_methods_are_405(collector: Collector, method: str) -> None:
    answer = collector.client.request(method, "/v1/events")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/xml"},
        {"content-encoding": "br"},
        {"content-encoding": "gzip, zstd"},
    ],
)
def test_what_is_not_understood_is_415(collector: Collector, headers: dict[str, str]) -> None:
    problem(collector.post({"event": "e"}, headers=headers), 415)


def test_more_than_the_limits_is_413(collector: Collector) -> None:
    large = b"[" + b'{"event":"' + b"x" * MAX_REQUEST_BYTES + b'"}]'
    problem(collector.post(large), 413)
    problem(collector.post(gzip.compress(large), headers=GZIP), 413)
    problem(collector.post(zstandard.compress(large), headers=ZSTD), 413)
    problem(collector.post([{"event": "e"}] * (MAX_EVENTS_PER_REQUEST + 1)), 413)


@pytest.mark.parametrize(("size", "key", "status"), [(25_000_000, "secret", 413), (15_000_000, "reading", 403)])
def test_a_client_that_hangs_up_after_each_request_sees_why_a_large_one_is_refused(
    collector: Collector, size: int, key: str, status: int
) -> None:
    headers = {"authorization": f"Bearer {collector.keys[key]}", "content-type": "application/json"}
    asked = urllib.request.Request(f"{collector.url}/v1/events", b" " * size, headers)
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(asked, timeout=60)
    assert told.value.code == status
    assert json.loads(told.value.read())["detail"]


def test_a_body_in_pieces_is_bounded_too(collector: Collector) -> None:
    def pieces(count: int) -> Iterator[bytes]:
        yield b'{"event":"e","title":"t"'
        for _ in range(count):
            yield b" " * 65_536
        yield b"}"

    headers = {"authorization": f"Bearer {collector.keys['secret']}"}
    assert collector.client.post("/v1/events", content=pieces(100), headers=headers).status_code == 202
    problem(collector.client.post("/v1/events", content=pieces(400), headers=headers), 413)


def test_a_client_that_goes_away_disturbs_nobody(collector: Collector) -> None:
    host, port = collector.url.removeprefix("http://").split(":")
    for _ in range(20):
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /v1/events HTTP/1.1\r\nhost: x\r\nx-api-key: {collector.keys['secret']}\r\n"
            connection.sendall(head.encode() + b"content-length: 1000\r\n\r\n{")
    assert collector.post({"event": "e"}).status_code == 202


def test_long_headers_are_refused_before_the_body_is_read(collector: Collector) -> None:
    host, port = collector.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        head = f"POST /v1/events HTTP/1.1\r\nhost: x\r\nx-api-key: {collector.keys['secret']}\r\n"
        connection.sendall(f"{head}x-forwarded-for: {'1' * 1_000_000}\r\ncontent-length: 1000\r\n\r\n".encode())
        told = connection.makefile("rb").readline()
    assert told.startswith(b"HTTP/1.1 431 ")
    assert problem(collector.post({"event": "e"}, headers={"x-forwarded-for": "1" * 40_000}), 431)
    assert collector.post({"event": "e"}, headers={"x-forwarded-for": "1" * 20_000}).status_code == 202


def test_health_metrics_and_documentation(collector: Collector) -> None:
    get = collector.client.get
    assert get("/health").json() == {"status": "ok"}
    assert get("/health/ready").json() == {
        "status": "ok",
        "checks": {"kafka": "ok", "spool": "ok", "lag": "ok", "slow_lag": "ok", "keys": "ok"},
    }
    assert 'src="/docs/files/swagger-ui-bundle.js"' in get("/docs").text
    assert "SwaggerUIBundle" in get("/docs/files/swagger-ui-bundle.js").text
    document = get("/openapi.json").json()
    operation = document["paths"]["/v1/events"]["post"]
    assert {"202", "400", "401", "403", "413", "415", "429", "431", "503"} <= set(operation["responses"])
    example = operation["requestBody"]["content"]["application/json"]["examples"]["several"]["value"]
    example = [{k: v for k, v in event.items() if k != "ts"} for event in example]
    assert collector.post(example).json() == {"accepted": 2, "refused": []}
    assert "event_id" in document["components"]["schemas"]["Event"]["properties"]
    assert problem(get("/nothing"), 404)


def test_metrics_count_what_happened(collector: Collector) -> None:
    names = {
        "pulse_collector_events_accepted_total": 2,
        'pulse_collector_events_refused_total{reason="invalid"}': 1,
        'pulse_collector_requests_total{status="202"}': 1,
        'pulse_collector_requests_total{status="401"}': 1,
        "pulse_collector_request_seconds_count": 2,
        "pulse_collector_record_events_sum": 2,
    }
    before = {name: collector.metric(name) for name in names}
    collector.post([{"event": "a"}, {}, {"event": "b"}])
    collector.post({"event": "a"}, None)
    assert {name: collector.metric(name) - before[name] for name in names} == names


def test_a_key_store_that_is_away_is_503_for_unknown_keys_alone(broker: str, tmp_path: Path) -> None:
    with collecting(broker, tmp_path) as own:
        eventually(lambda: own.post({"event": "e"}).status_code == 202)
        with sqlite3.connect(tmp_path / "pulse.db") as database:
            database.execute("DROP TABLE api_keys")
            database.execute("DROP TABLE sites")
        answer = own.post({"event": "e"}, "importing")
        assert own.post({"event": "e"}).status_code == 202
        problem(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
        ready = own.client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert ready.json()["checks"]["keys"] != "ok"


def test_a_collector_that_knows_no_key_is_not_ready_without_their_store(broker: str, tmp_path: Path) -> None:
    with collecting(broker, tmp_path) as own:
        eventually(lambda: own.client.get("/health/ready").status_code == 200)
        with sqlite3.connect(tmp_path / "pulse.db") as database:
            database.execute("DROP TABLE api_keys")
            database.execute("DROP TABLE sites")
        ready = own.client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["checks"]["keys"] != "ok"
