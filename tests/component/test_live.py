"""`python -m api.live` over a real log: what is read is sent within a second, by both ways, to those who may see it."""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from socket import SHUT_RDWR
from threading import Thread
from typing import Any

import httpx
import pytest
from msgspec import json
from websockets.exceptions import ConnectionClosed

from tests.eventually import eventually
from tests.living import Line, Living, line, living, names, received, token


@pytest.fixture(scope="module")
def live(kafka: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    with living(kafka, tmp_path_factory.mktemp("live"), PULSE_REDIS_URL=redis_url) as running:
        yield running


@pytest.fixture(scope="module")
def narrow(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """One of narrow limits, and without Redis."""
    limits = {"PULSE_LIVE_QUEUE_KB": "64", "PULSE_LIVE_BUFFER_MB": "1", "PULSE_LIVE_CONNECTIONS": "3"}
    with living(kafka, tmp_path_factory.mktemp("narrow"), **limits) as running:
        yield running


def refused(live: Living, query: str = "", key: str | None = None) -> int:
    """The code with which a WebSocket is closed at once."""
    with live.socket(query, key) as socket, pytest.raises(ConnectionClosed) as closed:
        received(socket, "nothing")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.reason
    return closed.value.rcvd.code


def messages(answer: httpx.Response) -> Iterator[tuple[str, str, Line]]:
    """The events of an event stream: kind, id, data."""
    kind = id = ""
    for text in answer.iter_lines():
        name, _, value = text.partition(": ")
        if name == "event":
            kind, id = value, ""
        elif name == "id":
            id = value
        elif name == "data":
            yield kind, id, json.decode(value)


def test_an_event_comes_by_websocket_within_a_second(live: Living) -> None:
    with live.socket() as socket:
        assert received(socket, "hello")["site_id"] == "shop"

        def is_quick() -> Line:
            sent = time.monotonic()
            live.send(line("buy", properties='{"plan":"pro"}', revenue=9.5, currency="EUR"))
            got = received(socket, "events")
            return got if time.monotonic() - sent < 1 else {}

        got = eventually(is_quick)
    (event,) = got["events"]
    assert (event["event"], event["revenue"], event["properties"]) == ("buy", 9.5, {"plan": "pro"})
    assert not {"ip", "user_agent"} & event.keys()


def test_an_event_comes_by_event_stream_within_a_second(live: Living) -> None:
    with live.stream(origin="https://board.example") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["access-control-allow-origin"] == "https://board.example"
        found = messages(answer)
        assert next(found)[0] == "hello"

        def is_quick() -> Line:
            sent = time.monotonic()
            live.send(line("buy"))
            _, id, got = next(each for each in found if each[0] == "events")
            assert id == got["id"]
            return got if time.monotonic() - sent < 1 else {}

        got = eventually(is_quick)
    assert names(got) == ["buy"]


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("event=buy&event=look", {"event": "buy"}),
        ("path=/docs/*&path=/start", {"path": "/docs/a"}),
        ("country=at", {"country": "AT"}),
        ("bot=true", {"bot": True}),
        ("risk=high,critical", {"risk": 61, "risk_band": "high"}),
        ("least_risk=60", {"risk": 85, "risk_band": "critical"}),
        ("property=plan=pro", {"properties": '{"plan":"pro","n":1}'}),
        ("property=n=1&event=buy", {"event": "buy", "properties": '{"n":1}'}),
    ],
)
def test_only_what_fits_the_filter_is_sent(live: Living, query: str, fits: dict[str, Any]) -> None:
    others = line("other", path="/other", country="DE", properties='{"plan":"free","n":2}')
    with live.socket(f"{query}&show=events") as socket:
        received(socket, "hello")
        live.send(others, line(**{"event": "any"} | fits), others)
        live.send(line(**{"event": "any"} | fits))
        got = received(socket, "events")["events"]
        got += [] if len(got) == 2 else received(socket, "events")["events"]
    assert [{name: each[name] for name in fits if name != "properties"} for each in got] == [
        {name: value for name, value in fits.items() if name != "properties"}
    ] * 2


def test_nobody_is_sent_anything_of_another_site(live: Living) -> None:
    with live.socket() as shop, live.socket("site_id=rival", "rival") as rival:
        received(shop, "hello")
        received(rival, "hello")
        live.notice("rival", rule="theirs")
        live.notice("shop", rule="ours")
        assert received(shop, "alert")["alert"]["data"] == {"rule": "ours"}
        assert received(rival, "alert")["alert"]["data"] == {"rule": "theirs"}
        live.send(*(line(f"{site}_event", site) for site in ("rival", "blog", "shop") for _ in range(5)))
        for socket, site in ((shop, "shop"), (rival, "rival")):
            seen: list[str] = []
            while len(seen) < 5:
                seen += names(received(socket, "events"))
            assert seen == [f"{site}_event"] * 5
    assert refused(live, "site_id=blog", "reader") == refused(live, "site_id=nowhere", "reader") == 4404
    assert refused(live, "site_id=shop", "rival") == 4404
    with live.stream("site_id=rival", "admin") as answer:
        assert answer.status_code == 404


def test_without_a_key_that_may_read_nothing_is_sent(live: Living) -> None:
    assert refused(live) == 4401
    assert refused(live, key="writer") == 4403
    for key, status in ((None, 401), ("writer", 403)):
        with live.stream(key=key) as answer:
            answer.read()
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
        assert live.post("/api/v1/live/ticket", key).status_code == status


def test_a_ticket_opens_one_connection(live: Living, narrow: Living) -> None:
    for each, is_shared in ((live, True), (narrow, False)):
        made = each.post("/api/v1/live/ticket").json()
        assert made["shared"] is is_shared
        with each.socket(f"ticket={made['ticket']}", None) as socket:
            assert received(socket, "hello")["site_id"] == "shop"
        assert refused(each, f"ticket={made['ticket']}") == 4401
        assert refused(each, f"ticket={made['ticket']}x") == 4401


def test_a_token_opens_its_site_in_the_header_or_the_address_and_no_other(live: Living) -> None:
    headers = {"authorization": f"Bearer {token()}"}
    with live.socket("", None, headers=headers) as by_header, live.socket(f"token={token()}", None) as by_address:
        assert {received(each, "hello")["site_id"] for each in (by_header, by_address)} == {"shop"}
    with live.stream(f"token={token()}", None) as answer:
        assert answer.status_code == 200
    wrong = {
        token("shop", -60): 4401,
        token(key="another secret of 32 bytes or more"): 4401,
        token("nowhere"): 4404,
        "x": 4401,
    }
    for each, code in wrong.items():
        assert refused(live, f"token={each}") == code
    assert refused(live, f"site_id=blog&token={token()}") == 4404
    assert httpx.get(f"http://{live.address}/api/v1/live?token={token('shop', -60)}").status_code == 401
    assert httpx.post(f"http://{live.address}/api/v1/live/ticket", headers=headers).status_code == 401
    ended = token("shop", -60)
    assert ended not in (live.folder / "live.log").read_text()


def test_a_page_of_another_origin_may_ask_and_read_the_answers(live: Living) -> None:
    url, origin = f"http://{live.address}/api/v1/live", {"origin": "https://board.example"}
    asked = {"access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    allowed = httpx.options(url, headers=origin | asked)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == origin["origin"]
    assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
    assert httpx.get(url, headers=origin).headers["access-control-allow-origin"] == origin["origin"]


def test_what_cannot_be_asked_is_told(live: Living) -> None:
    for query in (
        "show=all",
        "bot=perhaps",
        "risk=some",
        "least_risk=x",
        "least_risk=101",
        "last_id=x",
        "last_id=a~b~1",
        "unknown=1",
        "property=plan",
        "country=XX1",
    ):
        assert refused(live, query, "reader") == 4400
        with live.stream(query) as answer:
            assert answer.status_code == 400
            assert query.partition("=")[0] in answer.read().decode()
    assert refused(live, "", "admin") == 4400


def test_each_second_is_counted_and_each_ten_the_minute(live: Living) -> None:
    with live.socket("site_id=blog&show=counters,aggregate", "admin") as socket:
        before = received(socket, "counters")["visitors"]
        live.send(*(line(name, "blog", visitor_id=f"v{n}") for n in range(3) for name in ("page_view", "buy")))
        counted = eventually(lambda: (got := received(socket, "counters"))["events"] and got, 5)
        assert counted == {
            "type": "counters",
            "at": counted["at"],
            "events": 6,
            "page_views": 3,
            "visitors": before + 3,
        }
        minute = eventually(
            lambda: next((m for m in minutes(received(socket, "aggregate")) if "buy" in m["names"]), {})
        )
        assert (minute["names"]["buy"], minute["names"]["page_view"], minute["page_views"]) == (3, 3, 3)
        assert minute["visitors"] >= 3
        assert minute["pages"] == {"/a": minute["events"]}


def minutes(aggregate: Line) -> list[Line]:
    """Both minutes of an aggregate, their lists as mappings."""
    told = aggregate["current"], aggregate["previous"]
    return [each | {"names": dict(each["names"]), "pages": dict(each["pages"])} for each in told]


def test_a_slow_client_is_dropped_and_others_are_not(narrow: Living) -> None:
    long = '{"text":"' + "x" * 20_000 + '"}'
    with narrow.socket("show=events,alerts", max_queue=1) as slow, narrow.socket("show=events") as other:
        received(slow, "hello")
        received(other, "hello")
        sent = got = 0

        def is_dropped() -> bool:
            nonlocal sent, got
            narrow.send(*(line(properties=long) for _ in range(50)))
            sent += 50
            while got < sent:
                got += len(received(other, "events")["events"])
            return 'pulse_live_ended_total{code="4408"} 1.0' in httpx.get(f"http://{narrow.address}/metrics").text

        eventually(is_dropped)
        assert got == sent
        with pytest.raises(ConnectionClosed) as closed:
            received(slow, "nothing")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4408
    assert "slow" in closed.value.rcvd.reason


def test_what_has_left_the_buffer_is_told(narrow: Living) -> None:
    with narrow.socket("show=events") as socket:
        old = received(socket, "hello")["id"]
        narrow.send(*(line(properties='{"text":"' + "x" * 5_000 + '"}') for _ in range(300)), record=10)
        got = 0
        while got < 300:
            got += len(received(socket, "events")["events"])
    with narrow.socket(f"show=events&last_id={old}") as socket:
        assert "left the buffer" in received(socket, "gap")["reason"]
        assert 0 < len(received(socket, "events")["events"]) < 300
    with narrow.socket(f"last_id=other{old}") as socket:
        assert "another log" in received(socket, "gap")["reason"]


def test_so_many_connections_and_no_more(narrow: Living) -> None:
    opened = [narrow.socket() for _ in range(3)]
    with narrow.stream() as answer:
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
    with pytest.raises(Exception, match="503"):
        narrow.socket()
    for each in opened:
        each.close()

    def has_room() -> bool:
        with narrow.socket() as socket:
            return bool(received(socket, "hello"))

    eventually(has_room, 10)


def test_a_client_that_is_cut_a_hundred_times_is_sent_every_event_once_and_in_order(
    live: Living, random_cuts: list[float]
) -> None:
    sent: list[Line] = []
    has_ended = False

    def send() -> None:
        while not has_ended:
            some = [line("step", visitor_id=f"v{n % 7}", ts=len(sent) + n) for n in range(10)]
            sent.extend(some)
            live.send(*some, record=4)
            time.sleep(0.02)

    seen: list[Line] = []
    with live.socket("show=events") as socket:
        last_id = received(socket, "hello")["id"]
    sending = Thread(target=send)
    sending.start()
    try:
        for number, cut in enumerate(random_cuts):
            if number == 50:
                live.stop()
                live.start()
            last_id = followed(live, last_id, seen, cut)
    finally:
        has_ended = True
        sending.join()
    deadline = time.monotonic() + 20
    while len(seen) < len(sent) and time.monotonic() < deadline:
        last_id = followed(live, last_id, seen, 0.5)
    assert len(seen) == len(sent)
    for visitor in {event["visitor_id"] for event in sent}:
        expected = [event["event_id"] for event in sent if event["visitor_id"] == visitor]
        assert [event["event_id"] for event in seen if event["visitor_id"] == visitor] == expected


@pytest.fixture
def random_cuts() -> list[float]:
    """For how long each connection lasts, in seconds; some end before anything has come."""
    chance = random.Random(7)
    return [chance.choice((0.0, 0.002, 0.01, 0.05)) * chance.random() for _ in range(100)]


def followed(live: Living, last_id: str, seen: list[Line], seconds: float) -> str:
    """Follow for a while from an id on, then hang up without a word; the last id that came."""
    socket = live.socket("show=events", headers={"last-event-id": last_id})
    deadline = time.monotonic() + seconds
    try:
        while True:
            got = json.decode(socket.recv(timeout=max(0.0, deadline - time.monotonic())))
            assert got["type"] != "gap"
            seen.extend(got.get("events", ()))
            last_id = got.get("id", last_id)
    except TimeoutError:
        socket.socket.shutdown(SHUT_RDWR)
    return last_id


def test_a_stop_ends_connections_with_a_word(live: Living) -> None:
    with live.socket() as socket, live.stream() as answer:
        received(socket, "hello")
        stream = messages(answer)
        next(stream)
        live.stop()
        with pytest.raises(ConnectionClosed) as closed:
            received(socket, "nothing")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert next(each for each in stream if each[0] == "closed")[2]["code"] == 1012
    assert "Traceback" not in Path(live.folder / "live.log").read_text()
