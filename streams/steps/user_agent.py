"""With what: browser, system and kind of device, from the user agent."""

import re
from functools import lru_cache
from typing import NamedTuple

import ua_parser

from pulse.event import RefinedEvent
from pulse.network.crawlers import NO_BOT, Bot
from pulse.network.finder import Finder
from pulse.network.kind import BotKind
from streams.steps.step import Arrival, Step

REMEMBERED = 20_000
"""Parsing a user agent costs a hundred times what remembering it does; so many are in use at a time."""

CRAWLERS = re.compile(
    r"(?<!cu)bots?\b|crawl|spider|slurp|headless|phantomjs|puppeteer|playwright|selenium|webdriver|lighthouse"
    r"|pagespeed|gtmetrix|pingdom|uptime|statuscake|monitor(ing|\b)|facebookexternalhit|preview|scrap|archiver|scan(ner)?\b"
    r"|validator|feedfetcher|mediapartners|wordpress/",
    re.IGNORECASE,
)
LIBRARIES = re.compile(
    r"^(curl|wget|python|httpx|aiohttp|go-http-client|java/|apache-httpclient|node|axios|undici|got |ruby|php|guzzle"
    r"|libwww|lwp|perl|okhttp|restsharp|postmanruntime|insomnia|httpie|dart|reqwest|rust)",
    re.IGNORECASE,
)

KINDS = (
    (
        "tv",
        re.compile(
            r"smart-?tv|appletv|apple tv|googletv|hbbtv|bravia|crkey|roku|web0s|netcast|aft[a-z]+ build|\btv\b", re.I
        ),
    ),
    ("console", re.compile(r"playstation|xbox|nintendo", re.I)),
    ("wearable", re.compile(r"watch ?os|apple ?watch|galaxy watch|wear ?os", re.I)),
    ("tablet", re.compile(r"ipad|tablet|kindle|silk/|playbook|android(?!.*mobile)", re.I)),
    ("mobile", re.compile(r"mobi|iphone|ipod|android|windows phone|blackberry|bb10|opera mini|kaios", re.I)),
    ("desktop", re.compile(r"windows|macintosh|mac os x|x11|linux|cros|freebsd|openbsd", re.I)),
)
"""The first that fits is the kind of device."""


class Device(NamedTuple):
    """What a user agent tells; empty where it does not. `is_library` is a program that speaks for somebody else."""

    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    device_type: str = ""
    is_crawler: bool = False
    is_library: bool = False


UNKNOWN = Device()


@lru_cache(maxsize=REMEMBERED)
def device_of(user_agent: str) -> Device:
    """What a user agent tells of browser, system and device."""
    found = ua_parser.parse(user_agent)
    browser, system = found.user_agent, found.os
    is_crawler = (found.device is not None and found.device.family == "Spider") or bool(CRAWLERS.search(user_agent))
    return Device(
        browser=browser.family[:64] if browser else "",
        browser_version=(browser.major or "")[:64] if browser else "",
        os=system.family[:64] if system else "",
        os_version=(system.major or "")[:64] if system else "",
        device_type="bot" if is_crawler else kind_of(user_agent),
        is_crawler=is_crawler,
        is_library=bool(LIBRARIES.match(user_agent)),
    )


def kind_of(user_agent: str) -> str:
    """`desktop`, `mobile`, `tablet`, `tv`, `console`, `wearable`, or empty."""
    return next((kind for kind, sign in KINDS if sign.search(user_agent)), "")


def name_of(bot: Bot, device: Device) -> str:
    """The bot's name as the list has it; where that is an address or nothing, as the user agent's parser has it."""
    return device.browser if not bot.name or "/" in bot.name else bot.name


def kind_of_bot(bot: Bot, device: Device) -> str:
    """What a bot is for; of one that is not in the list only a library is told."""
    return bot.kind or (BotKind.library if device.is_library else BotKind.other).value


def put_user_agent(finder: Finder) -> Step:
    """Browser, system and device where the client named none, and whether a machine sent it, and which; the user agent goes.

    A library's user agent is a machine's only where it is the visitor's own, as in an imported access log:
    a server that sends its visitors' events speaks through one too.
    """

    def put(event: RefinedEvent, arrival: Arrival) -> None:
        agent = event.user_agent
        device, bot = (device_of(agent), finder.named(agent)) if agent else (UNKNOWN, NO_BOT)
        event.user_agent = None
        is_library = device.is_library or bot.kind == BotKind.library
        event.bot = device.is_crawler or (event.imported if is_library else bot.kind != "")
        if event.bot:
            event.bot_name, event.bot_kind = name_of(bot, device), kind_of_bot(bot, device)
        else:
            event.bot_name = event.bot_kind = ""
        arrival.claims = bot.claims
        put_device(event, device)

    return put


def put_device(event: RefinedEvent, device: Device) -> None:
    """Browser, system and kind of device, where the client named none."""
    if event.browser is None:
        event.browser, event.browser_version = device.browser or None, device.browser_version
    else:
        event.browser_version = ""
    if event.os is None:
        event.os, event.os_version = device.os or None, device.os_version
    else:
        event.os_version = ""
    if event.device_type is None:
        event.device_type = ("bot" if event.bot and not device.is_library else device.device_type) or None
