"""The rates that made-up sessions follow; which are measured and which assumed stands in docs/risk.md."""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

from msgspec import Struct, convert

HERE = Path(__file__).parent
Split = Literal["fit", "calibrate", "evaluate"]


class Network(Struct, frozen=True):
    """A provider's addresses in autonomous systems of one sort, and how often the lists know them."""

    split: str
    role: str
    provider: str
    weight: float
    least_bits: float
    most_bits: float
    hosting: float
    vpn: float
    curated: float
    kind: str


class People(Struct, frozen=True):
    """A sort of visitors: shares of them by sign, and how many more addresses, systems and countries they have a day."""

    people: str
    share: float
    role: str
    foreign: float
    utc: float
    language: float
    webdriver: float
    headless: float
    declared: float
    no_input: float
    clockwork: float
    tampered: float
    ips: float
    asns: float
    countries: float
    travel: float
    truth: str


@cache
def people() -> tuple[People, ...]:
    """All sorts of visitors."""
    return tuple(convert(list(_rows("people.csv")), list[People], strict=False))


@cache
def networks(split: Split, role: str) -> tuple[Network, ...]:
    """The providers of a role whom this part of the sessions may know."""
    every = convert(list(_rows("networks.csv")), list[Network], strict=False)
    return tuple(each for each in every if (each.split, each.role) == (split, role))


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (HERE / name).open(newline="") as file:
        yield from csv.DictReader(file)
