"""A browser for tests: Chromium before pages of the tests' own, with a tracker of a real collector on each."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from playwright.sync_api import Browser, BrowserContext, BrowserType, Page, Request, sync_playwright

from pulse.event import RawEvent
from tests.collecting import events

COMMAND = "sudo apt-get install chromium"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def program() -> str:
    """The browser that is installed; fails with the command that installs one."""
    named = os.environ.get("PULSE_TEST_BROWSER")
    found = named or next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert found, f"the tracker is tested in Chromium and there is none: install it with `{COMMAND}`"
    return found


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser of its own, which says that a test drives it and has no screen."""
    with sync_playwright() as playwright, launched(playwright.chromium) as browser:
        yield browser


@contextmanager
def launched(kind: BrowserType, display: str = "") -> Iterator[Browser]:
    """One more browser: on a display one as people have it, which does not say that a test drives it."""
    own = ["--disable-blink-features=AutomationControlled"] if display else []
    browser = kind.launch(
        executable_path=program(),
        headless=not display,
        # a container's shared memory may be too small for a browser, and root's has no sandbox
        args=["--no-sandbox", "--disable-dev-shm-usage", *own],
        ignore_default_args=["--enable-automation"] if display else None,
        env={**os.environ, "DISPLAY": display} if display else None,
    )
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def display() -> Iterator[str]:
    """A screen that nobody looks at; its name. Fails with the command that installs what it takes."""
    found = shutil.which("Xvfb")
    assert found, (
        "a browser with a screen is tested on a virtual one and there is none: install it with `sudo apt-get install xvfb`"
    )
    read, write = os.pipe()
    screen = subprocess.Popen(
        [found, "-displayfd", str(write), "-screen", "0", "1280x800x24"], pass_fds=[write], stderr=subprocess.DEVNULL
    )
    os.close(write)
    try:
        with os.fdopen(read) as told:
            yield f":{told.readline().strip()}"
    finally:
        screen.terminate()
        screen.wait()


class _Pages(BaseHTTPRequestHandler):
    """Answers with pages, whatever is asked of them in the query."""

    protocol_version = "HTTP/1.1"

    def __init__(self, pages: Mapping[str, str], *given: object) -> None:
        self._pages = pages
        super().__init__(*given)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        page = self._pages.get(self.path.partition("?")[0])
        content = (page or "nothing is here").encode()
        self.send_response(404 if page is None else 200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *given: object) -> None:
        """Nobody reads it."""


@contextmanager
def site(pages: Mapping[str, str]) -> Iterator[str]:
    """A site of these pages by path; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Pages, pages))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Visit:
    """A browser's page, and all that it asked of the collector."""

    context: BrowserContext
    page: Page
    broker: str
    requests: list[Request] = field(default_factory=list)

    def ids(self) -> dict[str, str]:
        """Whom the tracker takes the visitor for."""
        told: dict[str, str] = self.page.evaluate("pulse.ids()")
        return told

    def events(self, event: str | None = None, **fields: Any) -> list[RawEvent]:
        """What the log has, in the order of its time, of a name and with these fields; each event counts once."""
        once = {each.event_id: each for each in events(self.broker) if event in (None, each.event)}
        return sorted(
            (e for e in once.values() if all(getattr(e, name) == value for name, value in fields.items())),
            key=lambda e: e.ts,  # type: ignore[arg-type, return-value]
        )

    def sent(self) -> str:
        """All that went to the collector, as far as it is text."""
        return "\n".join(each.post_data or "" for each in self.requests)

    def close(self) -> None:
        """Close the tab, as its visitor does."""
        with self.page.expect_event("close"):
            self.page.close(run_before_unload=True)

    def fetched(self, name: str) -> bool:
        """Whether a part of the tracker was asked for."""
        return any(f"/{name}.js" in each.url for each in self.requests)


def names(found: Iterable[RawEvent]) -> list[str]:
    """What events are called, in their order."""
    return [each.event for each in found]


@contextmanager
def visiting(browser: Browser, collector: str, broker: str, **device: Any) -> Iterator[Visit]:
    """A browser that has never been here; `collector` is the address of the one that it tells, `device` what it claims to be."""
    context = browser.new_context(**device)
    visit = Visit(context, context.new_page(), broker)
    context.on("request", lambda each: visit.requests.append(each) if each.url.startswith(collector) else None)
    yield visit
    context.close()
