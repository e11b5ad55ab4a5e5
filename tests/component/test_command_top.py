"""`pulse top` over a live view."""

from collections import deque
from collections.abc import Iterator
from io import StringIO
from threading import Thread

import pytest
from msgspec import json
from rich.console import Console

from pulse.command.top import Now, bars, told
from tests.commanding import pulse
from tests.living import Living, line, living


@pytest.fixture(scope="module")
def live(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    with living(kafka, tmp_path_factory.mktemp("top")) as running:
        yield running


def environment(live: Living) -> dict[str, str]:
    return {"PULSE_DATA": str(live.folder), "PULSE_LIVE_PORT": str(live.port), "PULSE_KEY": live.keys["reader"]}


def test_it_shows_what_happens_now(live: Living) -> None:
    has_ended = False

    def send() -> None:
        while not has_ended:
            live.send(line("buy", path="/\x1b[31mred"), line("page_view"))

    sending = Thread(target=send)
    sending.start()
    try:
        shown = pulse(environment(live), "top", "--seconds", "3").stdout
        told_as_json = pulse(environment(live), "top", "--seconds", "3", "--json").stdout
    finally:
        has_ended = True
        sending.join()
    assert " shop " in shown
    assert "events/s" in shown
    assert "buy" in shown
    assert "[31mred" in shown
    assert "\x1b" not in shown
    messages = [json.decode(each) for each in told_as_json.splitlines()]
    kinds = [each["type"] for each in messages]
    assert kinds[0] == "hello"
    assert {"aggregate", "counters"} <= set(kinds)


def test_what_it_cannot_show_is_a_sentence(live: Living, free_port: object) -> None:
    away = environment(live) | {"PULSE_LIVE_PORT": str(free_port())}  # type: ignore[operator]
    assert "the live view does not answer" in pulse(away, "top", expect=1).stderr
    assert "answered 404" in pulse(environment(live), "top", "--site", "blog", expect=1).stderr
    assert "answered 403" in pulse(environment(live) | {"PULSE_KEY": live.keys["writer"]}, "top", expect=1).stderr


def test_the_picture_tells_of_alerts_and_of_a_view_that_is_away() -> None:
    now = Now()
    now.take({"type": "hello", "site_id": "shop"})
    now.take(
        {
            "type": "alert",
            "alert": {
                "at": 0,
                "kind": "alert.firing",
                "data": {"rule": "many", "severity": "warning", "reason": "12, > 9"},
            },
        }
    )
    now.take({"type": "away"})
    console = Console(width=120, record=True, file=StringIO())
    console.print(told(now))
    text = console.export_text()
    assert "00:00:00  firing  many (warning): 12, > 9" in text
    assert "does not answer" in text
    assert bars(deque([0, 4, 8])) == " ▄█"
    assert bars(deque([0])) == " "
