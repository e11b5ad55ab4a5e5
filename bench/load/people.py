"""The fixed part of events: personas (what a visitor's events share) and steps (what is done), lifelike in their shares."""

from random import Random
from typing import Any, NamedTuple

from msgspec import json

from pulse.demo.journey import ARRIVALS, CHAIN, PAGES, landing, step
from pulse.demo.people import BOTS, COUNTRIES, DEVICES

PERSONAS = 1024
"""A visitor is of the persona that is their number's remainder."""
BOT_SHARE = 0.03
LANDING_SHARE = 0.35
VERSIONS = 12

ID = "00000000-0000-0000-0000-000000000000"
TIME = "1000000000000"
WORD = "0123456789abcdef"
ADDRESS = "100.100.100.100"
"""What stands where an event's own id, time, visitor, session and address go; each as long as what it stands for."""


class Persona(NamedTuple):
    """What the events of a visitor share, as JSON without braces, and the currency they pay in."""

    fields: str
    currency: str


def personas(seed: int, with_agents: bool) -> list[Persona]:
    """All personas of a seed."""
    random = Random(f"{seed}:personas")
    return [_persona(random, with_agents) for _ in range(PERSONAS)]


def _persona(random: Random, with_agents: bool) -> Persona:
    _, country, language, timezone, currency = random.choices(COUNTRIES, [row[0] for row in COUNTRIES])[0]
    _, screen, agent = random.choices(DEVICES, [row[0] for row in DEVICES])[0]
    agent = agent.replace("138.0", f"{138 - random.randrange(VERSIONS)}.0")
    if random.random() < BOT_SHARE:
        _, agent = random.choice(BOTS)
    fields = {"country": country, "language": language, "timezone": timezone, "screen": screen}
    if with_agents:
        fields |= {"ip": ADDRESS, "user_agent": agent}
    return Persona(_inside(fields), currency)


def events(random: Random, those: list[Persona], many: int) -> tuple[list[str], list[int]]:
    """So many events with placeholders for what is their own, and the number of each one's persona."""
    texts, numbers = [], []
    done = "page_view"
    for _ in range(many):
        number = random.randrange(PERSONAS)
        who, currency = those[number]
        if random.random() < LANDING_SHARE:
            page = int(len(PAGES) * random.random() ** 2)
            did = landing(page, random.choices(range(len(ARRIVALS)), [row[0] for row in ARRIVALS])[0])
        else:
            did = step(CHAIN[done][random.getrandbits(6)], random.getrandbits(8), currency)
        done = did.event
        own = f'"event_id":"{ID}","ts":{TIME},"visitor_id":"{WORD}","session_id":"{WORD}"'
        texts.append(f'{{"event":"{did.event}",{own},{who},{did.rest}}}')
        numbers.append(number)
    return texts, numbers


def _inside(fields: dict[str, Any]) -> str:
    return json.encode(fields).decode()[1:-1]
