"""With what: browser, system and kind of device, from the user agent."""

import re
from functools import cache, lru_cache
from typing import NamedTuple

from ua_parser import Domain
from ua_parser.loaders import load_builtins
from ua_parser.regex import Resolver

from pulse.anycase import AnyCase
from pulse.network.crawlers import Bot
from pulse.network.kind import BotKind

REMEMBERED = 20_000
"""Parsing a user agent costs a hundred times what remembering it does; so many are in use at a time."""

CRAWLERS = AnyCase(
    r"(?<!cu)bots?\b|crawl|spider|slurp|headless|phantomjs|puppeteer|playwright|selenium|webdriver|lighthouse"
    r"|pagespeed|gtmetrix|pingdom|uptime|statuscake|monitor(ing|\b)|facebookexternalhit|preview|scrap|archiver|scan(ner)?\b"
    r"|validator|feedfetcher|mediapartners|wordpress/",
    *("bot", "crawl", "spider", "slurp", "headless", "phantomjs", "puppeteer", "playwright", "selenium", "webdriver"),
    *("lighthouse", "pagespeed", "gtmetrix", "pingdom", "uptime", "statuscake", "monitor", "facebookexternalhit"),
    *("preview", "scrap", "archiver", "scan", "validator", "feedfetcher", "mediapartners", "wordpress/"),
)
LIBRARIES = re.compile(
    r"^(curl|wget|python|httpx|aiohttp|go-http-client|java/|apache-httpclient|node|axios|undici|got |ruby|php|guzzle"
    r"|libwww|lwp|perl|okhttp|restsharp|postmanruntime|insomnia|httpie|dart|reqwest|rust)",
    re.IGNORECASE,
)

KINDS = (
    (
        "tv",
        AnyCase(
            r"smart-?tv|appletv|apple tv|googletv|hbbtv|bravia|crkey|roku|web0s|netcast|aft[a-z]+ build|\btv\b",
            "tv",
            "bravia",
            "crkey",
            "roku",
            "web0s",
            "netcast",
            "aft",
        ),
    ),
    ("console", AnyCase(r"playstation|xbox|nintendo", "playstation", "xbox", "nintendo")),
    ("wearable", AnyCase(r"watch ?os|apple ?watch|galaxy watch|wear ?os", "watch", "wear")),
    (
        "tablet",
        AnyCase(
            r"ipad|tablet|kindle|silk/|playbook|android(?!.*mobile)",
            "ipad",
            "tablet",
            "kindle",
            "silk/",
            "playbook",
            "android",
        ),
    ),
    (
        "mobile",
        AnyCase(
            r"mobi|iphone|ipod|android|windows phone|blackberry|bb10|opera mini|kaios",
            "mobi",
            "iphone",
            "ipod",
            "android",
            "windows phone",
            "blackberry",
            "bb10",
            "opera mini",
            "kaios",
        ),
    ),
    ("desktop", AnyCase(r"windows|macintosh|mac os x|x11|linux|cros|freebsd|openbsd")),
)
"""The first that fits is the kind of device."""


SPIDER = "Spider"
_JOINED = re.compile(r"[^A-Za-z]*\$\d\$\d[^A-Za-z]*\Z")
"""Names of devices that are put together of parts of a user agent. Those that are one part of it are spiders to `CRAWLERS` already."""
NAMED = Domain.USER_AGENT | Domain.OS


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
    found = _parser()(user_agent, NAMED)
    browser, system = found.user_agent, found.os
    is_crawler = CRAWLERS.is_in(user_agent) or _is_spider(user_agent)
    return Device(
        browser=browser.family[:64] if browser else "",
        browser_version=(browser.major or "")[:64] if browser else "",
        os=system.family[:64] if system else "",
        os_version=(system.major or "")[:64] if system else "",
        device_type="bot" if is_crawler else kind_of(user_agent),
        is_crawler=is_crawler,
        is_library=bool(LIBRARIES.match(user_agent)),
    )


def _is_spider(user_agent: str) -> bool:
    """Whether the first of the parser's devices that fits is one.

    None of those that may be fits most user agents.
    """
    if _spiders()(user_agent, Domain.DEVICE).device is None:
        return False
    device = _parser()(user_agent, Domain.DEVICE).device
    return device is not None and device.family == SPIDER


@cache
def _parser() -> Resolver:
    return Resolver(load_builtins())


@cache
def _spiders() -> Resolver:
    return Resolver(
        ([], [], [each for each in load_builtins()[2] if each.family == SPIDER or _JOINED.match(each.family or "")])
    )


def kind_of(user_agent: str) -> str:
    """`desktop`, `mobile`, `tablet`, `tv`, `console`, `wearable`, or empty."""
    return next((kind for kind, sign in KINDS if sign.is_in(user_agent)), "")


def name_of(bot: Bot, device: Device) -> str:
    """The bot's name as the list has it; where that is an address or nothing, as the user agent's parser has it."""
    return device.browser if not bot.name or "/" in bot.name else bot.name


def kind_of_bot(bot: Bot, device: Device) -> str:
    """What a bot is for; of one that is not in the list only a library is told."""
    return bot.kind or (BotKind.library if device.is_library else BotKind.other).value


class Agent(NamedTuple):
    """What is put into an event of its user agent."""

    browser: str | None
    browser_version: str
    os: str | None
    os_version: str
    device_type: str | None
    bot: bool
    bot_name: str
    bot_kind: str


def agent_of(
    device: Device, bot: Bot, imported: bool, browser: str | None, os: str | None, device_type: str | None
) -> Agent:
    """Browser, system and device where the client named none, and whether a machine sent it, and which.

    A library's user agent is a machine's only where it is the visitor's own, as in an imported access log:
    a server that sends its visitors' events speaks through one too.
    """
    is_library = device.is_library or bot.kind == BotKind.library
    is_bot = device.is_crawler or (imported if is_library else bot.kind != "")
    name, kind = (name_of(bot, device), kind_of_bot(bot, device)) if is_bot else ("", "")
    browser, version = (browser, "") if browser is not None else (device.browser or None, device.browser_version)
    os, os_version = (os, "") if os is not None else (device.os or None, device.os_version)
    if device_type is None:
        device_type = ("bot" if is_bot and not device.is_library else device.device_type) or None
    return Agent(browser, version, os, os_version, device_type, is_bot, name, kind)
