"""One broker, one collector, one shop and one browser for all tests of the tracker."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests import services
from tests.browsing import Visit, browsing, site, visiting
from tests.collecting import Collector, collecting, create_raw
from tests.eventually import eventually

BODY = """
<h1>Shop</h1>
<a id="second" href="/second">on</a>
<a id="out" href="http://localhost:9/away" target="_blank">out</a>
<a id="file" href="/list.pdf" download>file</a>
<button id="buy" data-pulse-event="buy" data-pulse-plan-size="xl">buy</button>
<form id="order" action="/second"><input name="email"><input name="card"><button id="send">send</button></form>
<div style="height: 4000px"></div>
"""
ODD = '<form action="http://["><input name="id"><input name="action"><button name="name">send</button></form>'
LEAD = """
<form id="contact" action="/second" data-pulse-lead><input name="FIRSTNAME"><input name="email"><input name="page" value="/own">
<input name="wants" value="tea"><input name="wants" value="milk"><input name="pin" type="password"><input name="consent" type="checkbox">
<input name="event_id" type="hidden" value="42"><p data-pulse-ignore><input name="secret" value="s"></p><input name="elements" type="hidden">
<button id="send">send</button></form><input name="outside" type="password" value="1234" form="contact">
"""


@pytest.fixture(scope="package")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker with the raw log."""
    service = services.embedded_kafka(tmp_path_factory.mktemp("kafka"))
    service.start()
    create_raw(service.url)
    yield service.url
    service.kill()


@pytest.fixture(scope="package")
def collector(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector that is ready."""
    with collecting(broker, tmp_path_factory.mktemp("collector")) as running:
        eventually(lambda: running.client.get("/health/ready").status_code == 200)
        yield running


@pytest.fixture(scope="package")
def shop(collector: Collector) -> Iterator[str]:
    """The address of a site whose pages load the tracker, each in its own way."""

    def page(script: str, *more: str, body: str = BODY) -> str:
        key = f'data-key="{collector.keys["page"]}"'
        scripts = [f'<script defer src="{collector.url}/{each}"></script>' for each in (f'{script}" {key} x="', *more)]
        return f"<!doctype html><title>Shop</title>{''.join(scripts)}{body}"

    granted = page('tracker.js" data-consent="granted" data-on="clicks hash', "form.js")
    bare = f'<!doctype html><title>Bare</title><script src="{collector.url}/pulse.js"></script>{BODY}'
    pages = {
        **dict.fromkeys(("/", "/second", "/moved"), granted),
        "/anonymous": page("tracker.js", "form.js"),
        "/contact": page('tracker.js" data-consent="granted', "form.js", body=LEAD),
        "/contact/anonymous": page("tracker.js", "form.js", body=LEAD),
        "/odd": page('tracker.js" data-consent="granted" data-on="clicks', "form.js", body=ODD),
        "/secured": page('tracker.js" data-security="'),
        "/bare": bare,
    }
    with site(pages) as url:
        yield url


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The one browser of these tests."""
    with browsing() as running:
        yield running


@pytest.fixture
def visit(browser: Browser, collector: Collector, broker: str) -> Iterator[Visit]:
    with visiting(browser, collector.url, broker) as made:
        yield made
