"""A mix of raw events nearer to life than `bench.mix`: time zones are mostly those of the address's country, few visitors send most events,
and three visitors in ten agreed and name a fingerprint with each event. One visitor in twenty is a crawler. The same for the same seed.
"""

import random
from dataclasses import dataclass
from typing import Any

from msgspec import json

from bench import mix
from pulse.event import RawEvent
from streams.record import Taken

VISITORS, FOLLOWED, ABROAD = 20_000, 0.3, 0.03
OTHERS = ("America/Sao_Paulo", "Europe/Amsterdam", "Asia/Kolkata", "Africa/Johannesburg")
ZONES = dict(zip(mix.COUNTRIES, (*mix.ZONES, *OTHERS), strict=True))


@dataclass
class Person:
    """A visitor: what stays the same over their events, and the fingerprint where they agreed."""

    same: dict[str, Any]
    fingerprint_id: str | None


def mixed(count: int, size: int, seed: int = 1) -> list[Taken]:
    """So many events as raw records of `size` each."""
    chance = random.Random(seed)
    agent = mix.agents(chance)
    people = [_person(chance, next(agent)) for _ in range(VISITORS)]
    those = chance.choices(people, [1 / (n + 1) for n in range(VISITORS)], k=count)
    lines = [_line(chance, each, mix.NOW + n) for n, each in enumerate(those)]
    parts = [lines[first : first + size] for first in range(0, count, size)]
    return [Taken("raw", 0, n, mix.NOW + count, b"\n".join([*part, b""])) for n, part in enumerate(parts)]


def _person(chance: random.Random, agent: str) -> Person:
    same = mix.visitor(chance, agent)
    first, second, *_ = map(int, same["ip"].split("."))
    home = mix.COUNTRIES[(first * 8 + second // 32) % len(mix.COUNTRIES)]
    zone = chance.choice(tuple(ZONES.values())) if chance.random() < ABROAD else ZONES[home]
    follows = chance.random() < FOLLOWED
    same |= {"timezone": zone, "consent": "granted" if follows else chance.choice(("denied", None, None))}
    return Person(same, "f" + same["visitor_id"] if follows else None)


def _line(chance: random.Random, person: Person, at: int) -> bytes:
    event = json.decode(mix.line(chance, person.same, at), type=RawEvent)
    if event.event != "device_signals":
        event.fingerprint_id = person.fingerprint_id
    return json.encode(event)
