"""The table, from what the packages hold."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pulse.network.classify import System, kind_of
from pulse.network.entropy import country_entropy
from pulse.network.kind import PRECEDENCE, Kind
from pulse.network.ranges import NONE, Array, Layer, joined
from pulse.network.reading import Origins, Systems, without
from pulse.network.table import KINDS, columns_of

RELAYS = frozenset({"Apple Private Relay"})
DENIED = frozenset({"Cogent"})
"""A carrier whose business lines are homes and offices too, listed as a hoster altogether."""
SERVERS = ("hosting", "cdn")
_WORDS = {
    "hosting": Kind.hosting,
    "cdn": Kind.hosting,
    "vpn": Kind.vpn,
    "tor": Kind.tor,
    "bot": Kind.crawler,
}


def columns(systems: Systems, origins: Origins, countries: Layer) -> dict[str, Any]:
    """The table's columns, as `pulse.network.table` has them; `countries` are those of addresses of version 4."""
    kinds = [kind_of_origin(*label) for label in origins.labels]
    left_out = [number for number, kind in enumerate(kinds) if kind is None]
    ranges = {version: without(layer, left_out) for version, layer in origins.layers.items()}
    numbers = np.unique(np.concatenate([layer.value for layer in systems.layers.values()]))
    entropies = _entropies(numbers, systems.layers[4], countries)
    shares = _server_shares(numbers, systems.layers[4], ranges[4], origins)
    of_system = [
        kind_of(System(number, systems.names[number], None if np.isnan(entropy) else entropy, share))
        for number, entropy, share in zip(numbers.tolist(), entropies.tolist(), shares.tolist(), strict=True)
    ]
    of_origin = [kind or Kind.unknown for kind in kinds]
    segments = {version: _segments(version, systems, ranges, numbers, of_system, of_origin) for version in (4, 6)}
    made: dict[str, Any] = columns_of({version: points for version, (points, _, _) in segments.items()})
    for version, (_, system, origin) in segments.items():
        made |= {f"v{version}_system": system.astype("i4"), f"v{version}_origin": origin.astype("i2")}
    return made | {
        "asn": numbers.astype("u4"),
        "org": [systems.names[number] for number in numbers.tolist()],
        "entropy": np.nan_to_num(entropies).astype("f4"),
        "kind": [KINDS.index(kind) for kind in of_system],
        "provider": [provider for provider, _ in origins.labels],
        "provider_kind": [KINDS.index(kind) for kind in of_origin],
        "homes": _homes(len(kinds), segments, numbers),
    }


def kind_of_origin(provider: str, word: str) -> Kind | None:
    """The kind that a provider's ranges are of; None for those that are left out."""
    if provider in DENIED:
        return None
    return Kind.relay if provider in RELAYS else _WORDS.get(word)


def _entropies(numbers: Array, systems: Layer, countries: Layer) -> Array:
    found = np.full(len(numbers), np.nan)
    known, entropies = country_entropy(systems, countries)
    found[np.searchsorted(numbers, known)] = entropies
    return found


def _server_shares(numbers: Array, systems: Layer, ranges: Layer, origins: Origins) -> Array:
    """Which share of each system's addresses lies in ranges of hosters and content networks."""
    points, (system, origin) = joined(4, (systems, ranges))
    sizes = np.diff(points, append=np.uint64(1 << 32)).astype("f8")
    servers = [number for number, (_, word) in enumerate(origins.labels) if word in SERVERS]
    there = system != NONE
    place = np.searchsorted(numbers, system[there])
    within = sizes[there] * np.isin(origin[there], servers)
    total = np.bincount(place, sizes[there], len(numbers))
    return np.bincount(place, within, len(numbers)) / np.maximum(total, 1)


Segments = tuple[Array, Array, Array]
"""Where they begin, and the places of system and provider in their lists, NONE where there is none."""


def _segments(
    version: int,
    systems: Systems,
    ranges: Mapping[int, Layer],
    numbers: Array,
    of_system: list[Kind],
    of_origin: list[Kind],
) -> Segments:
    points, (number, origin) = joined(version, (systems.layers[version], ranges[version]))
    system = np.where(number == NONE, NONE, np.searchsorted(numbers, number))
    rank_of_system = np.array([PRECEDENCE[kind] for kind in of_system] + [len(KINDS)])
    rank_of_origin = np.array([PRECEDENCE[kind] for kind in of_origin] + [len(KINDS)])
    origin = np.where(rank_of_system[system] < rank_of_origin[origin], NONE, origin)
    begins = np.ones(len(points), bool)
    begins[1:] = (system[1:] != system[:-1]) | (origin[1:] != origin[:-1])
    return points[begins], system[begins], origin[begins]


def _homes(providers: int, segments: Mapping[int, Segments], numbers: Array) -> list[list[int]]:
    """For each provider the systems that its ranges lie in."""
    found: list[set[int]] = [set() for _ in range(providers)]
    for _, system, origin in segments.values():
        both = (system != NONE) & (origin != NONE)
        for provider, place in np.unique(np.stack([origin[both], system[both]], axis=1), axis=0).tolist():
            found[provider].add(int(numbers[place]))
    return [sorted(homes) for homes in found]
