"""The page /replay in a real browser: a session is chosen, and its pages, clicks and scrolls are played."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore.store import LocalStore
from playwright.sync_api import Browser, Page, expect

from api.query.recordings.form import RecordedEvent
from deploy.local import port, probe
from deploy.local.process import start
from pulse.recordings.recorded import Recorded
from pulse.recordings.store import Objects
from tests.querying import SECRET, populated
from tests.recordings import moment, put

ROOT = Path(__file__).parents[2]
BEGIN = moment("2026-06-14 23:59:50")
HOSTILE = "<img src=x onerror=document.title='taken'>"


def _recorded(number: int, after_s: float, event: str, **given: object) -> Recorded:
    fields = {"session_id": "s1", "visitor_id": "v1", "screen": "1280x720", "url": "https://shop.example/"} | given
    return Recorded(event_id=f"{number:032x}", event=event, ts=BEGIN + int(after_s * 1000), **fields)  # type: ignore[arg-type]


SESSION = [
    _recorded(1, 0, "page_view"),
    _recorded(2, 2, "click", x=320.0, y=100.0, element="a.buy"),
    _recorded(3, 4, "scroll", scroll_percent=75),
    _recorded(4, 700, "page_view", url="https://shop.example/basket"),
    _recorded(5, 701, "click", x=640.0, y=50.0, element=HOSTILE, url="https://shop.example/basket"),
]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A query API that has two recorded sessions; its address, and a key."""
    content, _, keys = populated()
    (tmp_path / "pulse.db").write_bytes(content)
    objects = Objects(LocalStore(tmp_path / "recordings", mkdir=True))
    put(objects, "shop", SESSION[3:])
    put(objects, "shop", SESSION[:3])
    put(objects, "shop", [_recorded(9, -3_600, "page_view", session_id="s0", visitor_id=HOSTILE)])
    at = port.free()
    away = f"127.0.0.1:{port.free()}"
    environment = {
        "PULSE_DATA": str(tmp_path),
        "PULSE_SECRET": SECRET,
        "PULSE_QUERY_PORT": str(at),
        "PULSE_RECORDINGS_URL": "folder",
        "PULSE_KAFKA_URL": away,
        "PULSE_CLICKHOUSE_URL": f"http://{away}/none",
        "PULSE_REDIS_URL": f"redis://{away}/0",
    }
    command = [sys.executable, "-m", "api.query"]
    alive = lambda: probe.http(at, "/health")  # noqa: E731
    running = start("query", command, tmp_path / "query.log", alive, cwd=ROOT, env={**os.environ, **environment})
    yield f"http://127.0.0.1:{at}", keys["reader"]
    running.kill()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_a_session_is_chosen_and_played(api: tuple[str, str], page: Page) -> None:
    url, key = api
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto(f"{url}/replay")
    page.fill("#key", key)
    page.click("text=List sessions")
    rows = page.locator("#sessions tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("2026-06-14 23:59:50")
    expect(rows.nth(0)).to_contain_text("11:41")
    rows.nth(0).click()
    expect(page.locator("#events li")).to_have_count(5)
    expect(page.locator("#page")).to_have_text("https://shop.example/")
    expect(page.locator(".click")).to_have_count(0)

    page.select_option("#speed", "16")
    page.click("#play")
    expect(page.locator("#clock")).to_have_text("11:41 click")
    expect(page.locator("#play")).to_have_text("Play")
    expect(page.locator("#page")).to_have_text("https://shop.example/basket")
    expect(page.locator(".click")).to_have_count(1)

    page.locator("#events li").nth(2).click()
    expect(page.locator("#page")).to_have_text("https://shop.example/")
    assert page.locator(".click").evaluate("each => [each.style.left, each.style.top]") == ["160px", "50px"]
    assert page.locator("#scrolled").evaluate("each => each.style.height") == "75%"
    expect(page.locator("#events li[aria-current=true]")).to_contain_text("scroll")

    assert page.title() == "Pulse: recorded sessions"
    assert all(each.startswith((url, "data:")) for each in asked)
    assert not any(key in each for each in asked)
    assert faults == []


def test_the_page_bears_a_session_of_very_many_events(api: tuple[str, str], page: Page) -> None:
    url, key = api
    event = json.loads(
        RecordedEvent(
            event_id="e", event="click", ts=BEGIN, visitor_id="v", user_id="", url="https://shop.example/", title="",
            screen="", element="a", x=1, y=1, scroll_percent=5, engaged_ms=None,
        ).model_dump_json()
    )  # fmt: skip
    page.goto(f"{url}/replay")
    page.fill("#key", key)
    page.click("text=List sessions")
    told = {"data": [event] * 250_000, "next_offset": None, "truncated": True}
    page.route("**/replay/sessions/s1?*", lambda route: route.fulfill(json=told))
    page.locator("#sessions tr").nth(0).click()
    expect(page.locator("#clock")).to_have_text("0:00 click", timeout=30_000)
    expect(page.locator("#events li")).to_have_count(2_000)
    expect(page.locator("#events li[aria-current=true]")).to_have_count(1)
    expect(page.locator("#said")).to_contain_text("first part")


def test_what_is_wrong_is_said(api: tuple[str, str], page: Page) -> None:
    url, key = api
    page.goto(f"{url}/replay")
    page.fill("#key", "none")
    page.click("text=List sessions")
    expect(page.locator("#said")).to_contain_text("the key is unknown")
    page.fill("#key", key)
    page.fill("#visitor", "nobody")
    page.click("text=List sessions")
    expect(page.locator("#said")).to_have_text("There are no recorded sessions.")
    page.fill("#visitor", HOSTILE)
    page.click("text=List sessions")
    expect(page.locator("#sessions tr")).to_have_count(1)
    expect(page.locator("#sessions tr")).to_contain_text(HOSTILE)
    assert page.title() == "Pulse: recorded sessions"
