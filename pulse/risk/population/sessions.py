"""Sessions by the tables' rates, the same for the same seed."""

from collections.abc import Iterator
from math import exp
from random import Random
from typing import Any

from pulse.risk.evidence import Evidence, Kind
from pulse.risk.population.labelled import Labelled
from pulse.risk.population.tables import Network, People, Split, networks, people

TAMPERED_RULES = 1.0
"""How many contradictions more than one a device shows that pretends, on average."""
SHOWS = 0.8
"""How often such a device shows any."""
CLUMSY = 0.015
"""How often an honest one does."""


def sessions(split: Split, count: int, seed: int, consent: float = 1.0) -> Iterator[Labelled]:
    """Sessions of the providers of one part; `consent` is the share of those who gave it."""
    random = Random(f"{seed}:{split}")
    sorts = people()
    shares = [each.share for each in sorts]
    for _ in range(count):
        yield _session(random.choices(sorts, shares)[0], split, consent, random)


def _session(who: People, split: Split, consent: float, random: Random) -> Labelled:
    choices = networks(split, who.role)
    network = random.choices(choices, [each.weight for each in choices])[0]
    tampered = random.random() < who.tampered
    fields = _place(network, random) | _conduct(who, random) | _device(tampered, random)
    return Labelled(
        evidence=Evidence(consent=random.random() < consent, **fields),
        truth=(*who.truth.split(), *(("tamper",) if tampered else ())),
        provider=network.provider,
        people=who.people,
    )


def _place(network: Network, random: Random) -> dict[str, Any]:
    curated = random.random() < network.curated
    bits = random.uniform(network.least_bits, network.most_bits)
    kind: Kind = _kind(network, curated, random)
    as_kind = network.kind if curated and network.kind in ("hosting", "vpn") else None
    return {"network": kind, "as_kind": as_kind, "as_bits": bits}


def _kind(network: Network, curated: bool, random: Random) -> Any:
    """What the lists say of one address: of a VPN's before a server's before what its system is known to be."""
    if curated and network.kind in ("tor", "relay", "gateway"):
        return network.kind
    if random.random() < network.vpn:
        return "vpn"
    if random.random() < network.hosting:
        return "hosting"
    return network.kind if curated and network.kind in ("eyeball", "mobile") else "unknown"


def _conduct(who: People, random: Random) -> dict[str, Any]:
    foreign, utc = random.random() < who.foreign, random.random() < who.utc
    countries = 1 + _poisson(who.countries, random)
    asns = max(countries, 1 + _poisson(who.asns, random))
    return {
        "declared_bot": random.random() < who.declared,
        "timezone_differs": foreign or utc,
        "timezone_hours": random.uniform(0, 9) if foreign or utc else 0.0,
        "timezone_utc": utc,
        "language_differs": random.random() < who.language,
        "webdriver": random.random() < who.webdriver,
        "headless": random.random() < who.headless,
        "no_input": random.random() < who.no_input,
        "regular_timing": random.random() < who.clockwork,
        "ips": max(asns, 1 + _poisson(who.ips, random)),
        "asns": asns,
        "countries": countries,
        "impossible_travel": random.random() < who.travel,
    }


def _device(tampered: bool, random: Random) -> dict[str, Any]:
    shows = random.random() < (SHOWS if tampered else CLUMSY)
    return {
        "inconsistencies": 1 + _poisson(TAMPERED_RULES, random) if shows and tampered else int(shows),
        "hints_differ": random.random() < (0.4 if tampered else 0.003),
        "immutable_changed": random.random() < (0.3 if tampered else 0.004),
    }


def _poisson(mean: float, random: Random) -> int:
    """A count of this mean (Knuth, The Art of Computer Programming 3.4.1)."""
    least, product, count = exp(-mean), random.random(), 0
    while product > least:
        product *= random.random()
        count += 1
    return count
