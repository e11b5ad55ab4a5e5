"""How many devices at a network are usual for its kind, and how many more there are."""

from functools import lru_cache
from math import floor, log2, sqrt

USUAL = {"eyeball": 256.0, "hosting": 16.0}
"""Devices of a site at one network of addresses (a /24, a /48) within a day: in homes one for each address of a /24, at servers few. Of
others nothing is usual: phones, relays, gateways and exits are shared by whoever comes."""
STEPS = 4
"""So many steps of a crowd to a doubling, that there be few to judge."""


def crowd(devices: float, network: str) -> float | None:
    """Devices as a multiple of what is usual; None where nothing is."""
    usual = USUAL.get(network)
    return devices / usual if usual else None


def at_least(here: int, partitions: int) -> float:
    """How many devices there are, very likely and at least, where one of some partitions has so many of them.

    Visitors are spread over partitions by chance: as many as are `here` less two standard deviations (√n each) are in each, with a
    certainty of 97 in 100; and never fewer than these.
    """
    return max(float(here), (here - 2 * sqrt(here)) * partitions)


def stepped(multiple: float) -> float:
    """A multiple cut down to a step; whatever is not more than usual is 1."""
    return 2.0 ** (floor(log2(multiple) * STEPS) / STEPS) if multiple > 1 else 1.0


@lru_cache(maxsize=4_096)
def told(here: int, partitions: int, network: str) -> float:
    """The crowd that so many devices in one of some partitions tell of, in steps; 0 where nothing is usual."""
    multiple = crowd(at_least(here, partitions), network)
    return 0.0 if multiple is None else stepped(multiple)
