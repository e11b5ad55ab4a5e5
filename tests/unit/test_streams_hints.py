"""Client hints: what they add to a user agent, and where they contradict it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.steps.hints import differ, hinted, hints_of
from streams.steps.user_agent import UNKNOWN, Device, device_of
from tests.unit.streams_events import CHROME

ANDROID = CHROME.replace("Windows NT 10.0; Win64; x64", "Linux; Android 10; K").replace(" Safari", " Mobile Safari")
TABLET = CHROME.replace("Windows NT 10.0; Win64; x64", "Linux; Android 10; K")
DESKTOP_ON_ANDROID = CHROME.replace("Windows NT 10.0; Win64; x64", "X11; Linux x86_64")
MAC = CHROME.replace("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7")
CHROMEBOOK = CHROME.replace("Windows NT 10.0; Win64; x64", "X11; CrOS x86_64 14541.0.0")
EDGE = CHROME + " Edg/131.0.0.0"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"


def hints(platform: str = "Windows", mobile: str = "?0", brand: str = "Google Chrome", version: str = "131") -> str:
    return f'"{brand}";v="{version}", "Chromium";v="{version}", "Not_A Brand";v="24"|{mobile}|"{platform}"'


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        (hints(), CHROME),
        (hints(brand="Brave"), CHROME),
        (hints(brand="Microsoft Edge"), EDGE),
        (hints("macOS"), MAC),
        (hints("Chrome OS"), CHROMEBOOK),
        (hints("Linux"), DESKTOP_ON_ANDROID),
        (hints("Android", "?1"), ANDROID),
        (hints("Android"), TABLET),
        (hints("Android"), DESKTOP_ON_ANDROID),
        (hints("Fuchsia"), CHROME),
        (hints(mobile=""), CHROME),
    ],
)
def test_browsers_do_not_contradict_themselves(text: str, agent: str) -> None:
    assert differ(text, agent) is False


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        (hints("Linux"), CHROME),
        (hints("Windows"), MAC),
        (hints("Windows"), ANDROID),
        (hints(version="130"), CHROME),
        (hints(), FIREFOX),
        (hints(mobile="?1"), CHROME),
        (hints("Android"), ANDROID),
        (hints(brand="HeadlessChrome"), CHROME),
    ],
)
def test_what_pretends_to_be_another_contradicts_itself(text: str, agent: str) -> None:
    assert differ(text, agent) is True


@pytest.mark.parametrize(
    "text", ["", "||", "|?0|", '"Not_A Brand";v="24"|?0|"Windows"', "nonsense", '"Chromium"|?0|"Linux"']
)
def test_without_an_engine_nothing_is_compared_or_added(text: str) -> None:
    assert differ(text, CHROME) is None
    assert hinted(device_of(CHROME), text) == device_of(CHROME)


def test_hints_name_the_browser_that_hides_behind_chrome() -> None:
    found = hinted(device_of(CHROME), hints(brand="Brave", version="131"))
    assert (found.browser, found.browser_version, found.os) == ("Brave", "131", "Windows")
    assert hinted(device_of(EDGE), hints(brand="Microsoft Edge")) == device_of(EDGE)
    assert hinted(device_of(CHROME), hints(brand="A brand that nobody knows")) == device_of(CHROME)


def test_hints_fill_in_what_a_user_agent_does_not_name() -> None:
    assert hinted(UNKNOWN, hints("macOS")) == Device(os="Mac OS X", device_type="desktop")
    assert hinted(UNKNOWN, hints("Android", "?1")) == Device(os="Android", device_type="mobile")


def test_a_browser_without_a_screen_is_a_machine() -> None:
    found = hinted(device_of(CHROME), hints(brand="HeadlessChrome"))
    assert (found.is_crawler, found.device_type, found.browser) == (True, "bot", "HeadlessChrome")


@given(st.text(max_size=600), st.text(max_size=200))
def test_anything_can_be_sent(text: str, agent: str) -> None:
    assert differ(text, agent) in (None, True, False)
    assert len(hints_of(text).brands) <= len(text)
    assert all(len(value) <= 64 for value in hinted(UNKNOWN, text)[:4])
