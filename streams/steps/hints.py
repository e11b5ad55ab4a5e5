"""What a browser says of itself beside its user agent: the client hints `Sec-CH-UA`, `Sec-CH-UA-Mobile` and `Sec-CH-UA-Platform`.

Browsers of the Chromium family alone send them, each with every request that is encrypted or to this machine.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from streams.steps.user_agent import Device

REMEMBERED = 4_096
ENGINE = "Chromium"
HEADLESS = "HeadlessChrome"
BROWSERS = {
    "Brave": "Brave",
    "Microsoft Edge": "Edge",
    "Opera": "Opera",
    "Opera GX": "Opera GX",
    "Samsung Internet": "Samsung Internet",
    "Vivaldi": "Vivaldi",
    "YaBrowser": "Yandex Browser",
    "DuckDuckGo": "DuckDuckGo",
    HEADLESS: HEADLESS,
}
"""Brands that a user agent may hide behind Chrome, and what those browsers are called here."""
HIDING = ("Chrome", "Chrome Mobile")
SYSTEMS = {
    "Windows": "Windows",
    "macOS": "Mac OS X",
    "Android": "Android",
    "Linux": "Linux",
    "Chrome OS": "Chrome OS",
    "Chromium OS": "Chrome OS",
}
"""Platforms, and what those systems are called here."""
IN_AGENT = (
    ("Windows", re.compile(r"Windows NT")),
    ("Chrome OS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"Android|Linux|X11")),
    ("Mac OS X", re.compile(r"Macintosh")),
)
"""Systems by what a user agent has of them; Android is Linux where it is asked for pages as of a desktop."""
_BRAND = re.compile(r'"([^"]{1,64})"\s*;\s*v\s*=\s*"(\d{1,8})')
_ENGINE = re.compile(r"\bChrom(?:e|ium)/(\d+)")
_MOBILE = re.compile(r"\bMobile\b")


class Hints(NamedTuple):
    """Brands with their major versions; whether it is a telephone; the system, empty where none of it is known."""

    brands: dict[str, str]
    is_mobile: bool | None
    system: str


@lru_cache(maxsize=REMEMBERED)
def hints_of(text: str) -> Hints:
    """The three headers with a bar between them; what cannot be read is left out."""
    brands, mobile, platform = (part.strip() for part in f"{text}||".split("|")[:3])
    is_mobile = {"?1": True, "?0": False}.get(mobile)
    return Hints(dict(_BRAND.findall(brands)), is_mobile, SYSTEMS.get(platform.strip('"'), ""))


def differ(text: str, user_agent: str) -> bool | None:
    """Whether hints and user agent contradict each other; None where there is nothing to compare.

    Compared are the engine with its version, the system and whether it is a telephone. A browser that hides that it has no screen does too.
    """
    hints = hints_of(text)
    if ENGINE not in hints.brands:
        return None
    engine = _ENGINE.search(user_agent)
    if engine is None or engine[1] != hints.brands[ENGINE]:
        return True
    if HEADLESS in hints.brands and HEADLESS not in user_agent:
        return True
    system = next((name for name, sign in IN_AGENT if sign.search(user_agent)), "")
    if system and hints.system and system != _as_asked(hints.system):
        return True
    return hints.is_mobile is not None and hints.is_mobile != (_MOBILE.search(user_agent) is not None)


def hinted(device: Device, text: str) -> Device:
    """What a user agent tells, and what hints add: a browser that calls itself Chrome there, a system and a kind that it does not name."""
    hints = hints_of(text)
    if ENGINE not in hints.brands:
        return device
    if HEADLESS in hints.brands and not device.is_crawler:
        device = device._replace(is_crawler=True, device_type="bot")
    if device.browser in HIDING:
        brand = next((brand for brand in BROWSERS if brand in hints.brands), "")
        if brand:
            device = device._replace(browser=BROWSERS[brand], browser_version=hints.brands[brand])
    return device._replace(
        os=device.os or hints.system,
        device_type=device.device_type or {True: "mobile", False: "desktop", None: ""}[hints.is_mobile],
    )


def _as_asked(system: str) -> str:
    return "Linux" if system == "Android" else system
