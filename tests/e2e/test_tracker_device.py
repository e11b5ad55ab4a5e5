"""What a real browser tells of its device, and what comes of it."""

from typing import Any

import pytest
from msgspec import json
from playwright.sync_api import Browser

from tests.browsing import display, launched, visiting
from tests.collecting import Collector
from tests.eventually import eventually
from tests.unit.streams_events import only

TABLET = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
PHONE = TABLET.replace(" Safari", " Mobile Safari")


@pytest.mark.parametrize(
    ("agent", "is_mobile", "found"),
    [(TABLET, False, ""), (PHONE, True, "touch"), (PHONE, False, "client_hints,touch"), (TABLET, True, "client_hints")],
    ids=["tablet", "phone without touch", "phone that hints at none", "tablet that hints at a phone"],
)
def test_a_tablet_agrees_with_itself_and_a_phone_that_is_none_does_not(
    browser: Browser, collector: Collector, broker: str, shop: str, agent: str, is_mobile: bool, found: str
) -> None:
    with visiting(browser, collector.url, broker, user_agent=agent, is_mobile=is_mobile) as visit:
        visit.page.goto(shop)
        session = visit.ids()["session_id"]
        (told,) = eventually(
            lambda: visit.page.evaluate("pulse.flush()") or visit.events("device_signals", session_id=session)
        )
    assert told.properties
    assert told.properties["device"]["inconsistent"] == found


def verdict(browser: Browser, collector: Collector, broker: str, shop: str) -> dict[str, Any]:
    """What refinement says of the device by which somebody comes to the shop and agrees."""
    with visiting(browser, collector.url, broker) as visit:
        visit.page.goto(shop)
        session = visit.ids()["session_id"]
        (told,) = eventually(
            lambda: visit.page.evaluate("pulse.flush()") or visit.events("device_signals", session_id=session)
        )
    return only(json.encode(told))


def test_a_driven_browser_without_a_screen_is_told_from_a_persons(
    browser: Browser, collector: Collector, broker: str, shop: str
) -> None:
    driven = verdict(browser, collector, broker, shop)
    assert (driven["bot"], driven["risk_band"]) == (True, "critical")
    assert driven["risk_bot"] > 90
    assert {"BOT_WEBDRIVER", "BOT_HEADLESS"} <= set(driven["risk_reasons"].split(","))


def test_the_same_page_in_a_browser_as_people_have_it_is_a_persons(
    browser: Browser, collector: Collector, broker: str, shop: str
) -> None:
    with display() as screen, launched(browser.browser_type, screen) as own:
        person = verdict(own, collector, broker, shop)
    assert not person.get("bot")
    assert (person.get("risk", 0), person["risk_band"], person.get("risk_reasons", "")) == (0, "low", "")
