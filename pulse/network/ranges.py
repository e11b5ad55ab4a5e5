"""Sorted, disjoint ranges of addresses, as arrays: layers of them are joined into one.

An address of version 4 is a number; one of version 6 is its 16 bytes (numpy's `S16`), which sort as the numbers do.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

BITS = {4: 32, 6: 128}
TYPES = {4: np.dtype("u8"), 6: np.dtype("S16")}
NONE = -1


class Layer(NamedTuple):
    """Ranges from first to last address, both within, sorted and disjoint; each with a number that is not negative."""

    first: Array
    last: Array
    value: Array


def key(number: int, version: int) -> int | bytes:
    """An address's number as arrays of that version hold it."""
    return number if version == 4 else number.to_bytes(16, "big")


def layer(version: int, ranges: Sequence[tuple[int, int, int]]) -> Layer:
    """A layer of ranges (first, last, value)."""
    firsts = np.array([key(first, version) for first, _, _ in ranges], TYPES[version])
    lasts = np.array([key(last, version) for _, last, _ in ranges], TYPES[version])
    order = np.argsort(firsts, kind="stable")
    return Layer(firsts[order], lasts[order], np.array([value for _, _, value in ranges], "i8")[order])


def joined(version: int, layers: Sequence[Layer]) -> tuple[Array, list[Array]]:
    """Where something begins in any layer, and for each of them the value from there on; NONE where it has none."""
    points = np.unique(np.concatenate([each for one in layers for each in (one.first, _after(one.last, version))]))
    return points, [_values(one, points) for one in layers]


def _values(one: Layer, points: Array) -> Array:
    if not len(one.first):
        return np.full(len(points), NONE, "i8")
    place = np.searchsorted(one.first, points, "right") - 1
    inside = (place >= 0) & (points <= one.last[place])
    return np.where(inside, one.value[place], NONE)


def _after(lasts: Array, version: int) -> Array:
    """The addresses that follow; of the very last there is none."""
    if version == 4:
        after = lasts + np.uint64(1)
        return after[after < 1 << 32]
    high, low = halves(lasts)
    more = low + np.uint64(1)
    carried = high + (more == 0)
    kept = ~((more == 0) & (carried == 0))
    return np.stack([carried[kept], more[kept]], axis=1).astype(">u8").view("S16").reshape(-1)


def halves(keys: Array) -> tuple[Array, Array]:
    """The upper and the lower 64 bits of addresses of version 6."""
    both = np.ascontiguousarray(keys).view(">u8").reshape(-1, 2).astype("u8")
    return both[:, 0], both[:, 1]


def nested(networks: Iterable[tuple[IPv4Network | IPv6Network, int]]) -> list[tuple[int, int, int]]:
    """Networks of one version that may lie in one another as disjoint ranges: the smallest that holds an address counts.

    Of the same network named twice the first counts.
    """
    named: dict[IPv4Network | IPv6Network, int] = {}
    for network, value in networks:
        named.setdefault(network, value)
    found: list[tuple[int, int, int]] = []
    around: list[tuple[int, int]] = []
    begun = 0
    for network in sorted(named, key=lambda each: (int(each.network_address), each.prefixlen)):
        first, last = int(network.network_address), int(network.broadcast_address)
        begun = _close(around, found, begun, first)
        if around and begun < first:
            found.append((begun, first - 1, around[-1][1]))
        around.append((last, named[network]))
        begun = first
    _close(around, found, begun, 1 << 129)
    return found


def _close(around: list[tuple[int, int]], found: list[tuple[int, int, int]], begun: int, until: int) -> int:
    """End the networks that end before an address; where what is left of the one around them begins."""
    while around and around[-1][0] < until:
        last, value = around.pop()
        if begun <= last:
            found.append((begun, last, value))
        begun = last + 1
    return begun
