"""Who visits: people with a country, a language and a device, and a few machines."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from msgspec import json

Row = TypeVar("Row", bound=tuple[Any, ...])

COUNTRIES = [
    # weight, country, language, time zone, currency
    (30, "US", "en-US", "America/New_York", "USD"),
    (14, "DE", "de-DE", "Europe/Berlin", "EUR"),
    (10, "GB", "en-GB", "Europe/London", "GBP"),
    (8, "FR", "fr-FR", "Europe/Paris", "EUR"),
    (7, "IN", "en-IN", "Asia/Kolkata", "USD"),
    (6, "AT", "de-AT", "Europe/Vienna", "EUR"),
    (6, "BR", "pt-BR", "America/Sao_Paulo", "USD"),
    (5, "JP", "ja-JP", "Asia/Tokyo", "JPY"),
    (4, "NL", "nl-NL", "Europe/Amsterdam", "EUR"),
    (4, "CA", "en-CA", "America/Toronto", "USD"),
    (3, "AU", "en-AU", "Australia/Sydney", "USD"),
    (3, "CH", "de-CH", "Europe/Zurich", "CHF"),
]

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
DEVICES = [
    # weight, screen, user agent
    (26, "1920x1080", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/138.0.0.0 Safari/537.36"),
    (
        8,
        "2560x1440",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
    ),
    (5, "1920x1080", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (9, "1728x1117", f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Chrome/138.0.0.0 Safari/537.36"),
    (6, "1512x982", f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_APPLE} Version/18.5 Safari/605.1.15"),
    (2, "1920x1200", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (
        20,
        "390x844",
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {_APPLE} Version/18.5 Mobile/15E148 Safari/604.1",
    ),
    (18, "412x915", f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {_WEBKIT} Chrome/138.0.0.0 Mobile Safari/537.36"),
    (
        3,
        "360x780",
        f"Mozilla/5.0 (Linux; Android 14; SM-S921B) {_WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
    ),
    (3, "820x1180", f"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) {_APPLE} Version/18.5 Mobile/15E148 Safari/604.1"),
]

BOTS = [
    ("66.249.66.1", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    ("66.249.66.72", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    ("40.77.167.11", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
    ("54.36.148.7", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),
    ("17.241.75.4", "Mozilla/5.0 (compatible; Applebot/0.1; +http://www.apple.com/go/applebot)"),
    ("87.250.224.9", "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)"),
]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who comes: the part of the event's JSON that says who, the currency they pay in, whether a machine."""

    who: str
    currency: str
    bot: bool


class People:
    """The visitors of one seed: each is the same whenever asked for."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.person = lru_cache(maxsize=200_000)(self._person)
        self.bot = lru_cache(maxsize=None)(self._bot)

    def _person(self, number: int) -> Visitor:
        random = Random(f"{self._seed}:person:{number}")
        _, country, language, timezone, currency = _weighted(random, COUNTRIES)
        _, screen, agent = _weighted(random, DEVICES)
        fields = {"visitor_id": str(UUID(int=random.getrandbits(128), version=4))}
        if random.random() < 0.2:
            fields["user_id"] = f"user-{number}"
        fields |= {
            "country": country,
            "language": language,
            "timezone": timezone,
            "screen": screen,
            "user_agent": agent,
        }
        return Visitor(_inside(fields), currency, bot=False)

    def _bot(self, number: int) -> Visitor:
        ip, agent = BOTS[number % len(BOTS)]
        return Visitor(_inside({"ip": ip, "country": "US", "user_agent": agent}), "USD", bot=True)


def _weighted(random: Random, table: Sequence[Row]) -> Row:
    return random.choices(table, weights=[row[0] for row in table])[0]


def _inside(fields: dict[str, str]) -> str:
    """The fields as JSON, without the braces."""
    return json.encode(fields).decode()[1:-1]
