"""A realistic mix of raw events, and a made-up world of networks to look their addresses up in.

At each moment two thousand visitors are there; an event is of any of them, and one in ten visitors leaves after it, so that one
event in ten is the first of a visitor. Most visitors are new and at an address of their own; their user agents are a few that
are common and many that are not. Half of the visitors agreed, one in ten refused, and one event in ten is by
which a browser tells of its device. One visitor in twenty is a crawler at an address of servers.
"""

import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import json

from pulse.event import RawEvent
from pulse.network import crawlers, table
from pulse.network.crawlers import Entry
from pulse.network.kind import BotKind
from pulse.network.ranges import Array
from pulse.network.source import ASN, ORIGIN, Taken
from streams.record import Taken as Record
from tests.networks import database

NOW = 1_800_000_000_000
MADE_MS = NOW - 30 * 86_400_000
SYSTEMS, RANGES, PROVIDERS = 60_000, 300_000, 200
KINDS = ("eyeball",) * 70 + ("mobile",) * 15 + ("hosting",) * 8 + ("vpn",) * 2 + ("unknown",) * 5
COUNTRIES = ("AT", "DE", "FR", "GB", "US", "JP", "BR", "NL", "IN", "ZA")
ZONES = ("Europe/Vienna", "Europe/Berlin", "Europe/Paris", "Europe/London", "America/New_York", "Asia/Tokyo")
THERE = 2_000
LEAVES, RETURNS, CRAWLS = 0.1, 0.3, 0.05
AGENTS = 3_000
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{0} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{0} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; SM-S{0}B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
)
CRAWLERS = ("Googlebot/2.1 (+http://www.google.com/bot.html)", "Mozilla/5.0 (compatible; AhrefsBot/7.0)", "curl/8.5.0")


def world(folder: Path) -> Path:
    """Networks as large as the real ones: what they hold is made up."""
    chance = np.random.default_rng(1)
    begins = np.unique(chance.integers(1 << 24, 224 << 24, RANGES, "u8")).astype("u4")
    providers = chance.random(len(begins)) < 0.05
    columns: dict[str, Any] = {
        "v4": begins,
        "v4_system": _ranks(chance, len(begins)),
        "v4_origin": np.where(providers, chance.integers(0, PROVIDERS, len(begins)), -1).astype("i2"),
        "v6_high": np.array([], "u8"),
        "v6_low": np.array([], "u8"),
        "v6_system": np.array([], "i4"),
        "v6_origin": np.array([], "i2"),
        "asn": np.arange(1, SYSTEMS + 1, dtype="u4"),
        "org": [f"Telecommunications of place {n}" for n in range(SYSTEMS)],
        "entropy": chance.exponential(0.3, SYSTEMS).clip(0, 5).astype("f4"),
        "kind": [table.KINDS.index(KINDS[n % len(KINDS)]) for n in range(SYSTEMS)],
        "provider": [f"Provider {n}" for n in range(PROVIDERS)],
        "provider_kind": [table.KINDS.index("vpn" if n % 4 == 0 else "hosting") for n in range(PROVIDERS)],
        "homes": [[] for _ in range(PROVIDERS)],
    }
    taken = [Taken(name, "1", MADE_MS) for name in (ASN.name, ORIGIN.name)]
    table.write(folder / table.NAME, columns, table.About(MADE_MS, taken))
    countries = {f"{n}.{32 * part}.0.0/11": n * 8 + part for n in range(1, 224) for part in range(8)}
    told = {text: {"country_code": COUNTRIES[n % len(COUNTRIES)]} for text, n in countries.items()}
    (folder / "country4.mmdb").write_bytes(database(told, 4))
    crawlers.write(folder / crawlers.NAME, [Entry(f"Bot{n}/", f"Bot{n}", BotKind.seo) for n in range(500)])
    return folder


def _ranks(chance: np.random.Generator, count: int) -> Array:
    """Systems by their size: the n-th has a share of about 1/n of the addresses."""
    shares = 1 / np.arange(1, SYSTEMS + 1)
    return chance.choice(SYSTEMS, count, p=shares / shares.sum()).astype("i4")


def agents(chance: random.Random) -> Iterator[str]:
    """User agents without end: the n-th most frequent comes in a share of about 1/n."""
    all_of_them = [BROWSERS[n % len(BROWSERS)].format(100 + n // len(BROWSERS)) for n in range(AGENTS)]
    weights = [1 / (n + 1) for n in range(AGENTS)]
    while True:
        yield from chance.choices(all_of_them, weights, k=1_000)


def address(chance: random.Random) -> str:
    """Any of version 4."""
    return f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"


def visitor(chance: random.Random, agent: str) -> dict[str, Any]:
    """What stays the same over a visitor's events."""
    return {
        "visitor_id": str(uuid.UUID(int=chance.getrandbits(128))),
        "ip": address(chance),
        "user_agent": chance.choice(CRAWLERS) if chance.random() < CRAWLS else agent,
        "language": chance.choice(("de-AT", "en-US", "fr")),
        "screen": chance.choice(("1920x1080", "390x844")),
        "timezone": chance.choice(ZONES),
        "consent": chance.choices(("granted", "denied", None), (5, 1, 4))[0],
    }


def lines(count: int, chance: random.Random) -> Iterator[bytes]:
    """So many events as lines of the raw log."""
    agent = agents(chance)
    there = [visitor(chance, next(agent)) for _ in range(THERE)]
    gone = [visitor(chance, next(agent)) for _ in range(THERE)]
    for n in range(count):
        place = chance.randrange(THERE)
        yield line(chance, there[place], NOW + n)
        if chance.random() < LEAVES:
            back = chance.randrange(THERE)
            is_new = chance.random() >= RETURNS
            there[place], gone[back] = visitor(chance, next(agent)) if is_new else gone[back], there[place]


def line(chance: random.Random, person: dict[str, Any], at: int) -> bytes:
    """An event, received at a moment."""
    tells = chance.random() < 0.1
    path = f"/{chance.choice(('product', 'blog', 'docs'))}/{int(chance.paretovariate(0.5)) % 5_000}"
    told = {"purpose": "consent", "device": {"automation": "", "inconsistent": "", "canvas": "0f3a7c"}}
    return json.encode(
        RawEvent(
            event="device_signals" if tells else chance.choice(("page_view", "page_view", "click")),
            event_id=str(uuid.UUID(int=chance.getrandbits(128))),
            ts=at - 100,
            sent_at=at - 50,
            received_at=at,
            site_id="shop",
            url=f"https://www.shop.example{path}",
            referrer=chance.choice((None, "https://www.google.com/", "https://www.shop.example/", "https://t.co/x")),
            title=f"Page {path}",
            fingerprint_id="f" + person["visitor_id"] if tells else None,
            properties=told if tells else {"plan": "pro", "position": chance.randrange(100)},
            **person,
        )
    )


def mixed(count: int, size: int) -> list[Record]:
    """So many events as raw records of `size` each."""
    every = list(lines(count, random.Random(1)))
    parts = [every[first : first + size] for first in range(0, count, size)]
    return [Record("raw", 0, n, NOW + count, b"\n".join([*part, b""])) for n, part in enumerate(parts)]
