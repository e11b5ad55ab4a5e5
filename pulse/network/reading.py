"""The packages' files as layers of ranges; what is in them is data of others, and is only parsed."""

import csv
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import maxminddb
import numpy as np

from pulse.errors import PulseError
from pulse.network.ranges import TYPES, Layer, key, layer

MAGIC, FORMAT = b"IPORIGIN", 1
_HEAD = struct.Struct("<8sHQHII")
_RECORD = {
    4: np.dtype([("first", "<u4"), ("last", "<u4"), ("label", "<u2")]),
    6: np.dtype([("first", "S16"), ("last", "S16"), ("label", "<u2")]),
}

LONGEST_NAME = 128


class Systems(NamedTuple):
    """Autonomous systems by address, and the names of their organisations by number."""

    layers: dict[int, Layer]
    names: dict[int, str]


class Origins(NamedTuple):
    """Ranges of providers, each with the number of a label: the provider and a word for what it does."""

    layers: dict[int, Layer]
    labels: list[tuple[str, str]]
    made_ms: int


def systems(v4: Iterable[str], v6: Iterable[str]) -> Systems:
    """Lines `first,last,number,"name"` for either version; raises PulseError naming the line that is none."""
    names: dict[int, str] = {}
    return Systems({4: _systems(4, v4, names), 6: _systems(6, v6, names)}, names)


def _systems(version: int, lines: Iterable[str], names: dict[int, str]) -> Layer:
    ranges = []
    for number, row in enumerate(csv.reader(lines), 1):
        try:
            first, last, system, name = int(row[0]), int(row[1]), int(row[2]), row[3]
            key(last, version)
        except (ValueError, IndexError, OverflowError):
            raise PulseError(f"autonomous systems of version {version}, line {number}: {row} is no range") from None
        ranges.append((first, last, system))
        names.setdefault(system, name.strip()[:LONGEST_NAME])
    return layer(version, ranges)


def countries(path: Path, version: int) -> Layer:
    """The countries of a database of MaxMind's format, each as `number_of` has it; raises PulseError if it is none."""
    try:
        with maxminddb.open_database(path) as reader:
            found = [
                (int(network.network_address), int(network.broadcast_address), number_of(code))
                for network, record in reader
                if network.version == version and (code := _country(record))
            ]
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise PulseError(f"{path.name} cannot be read: {error}") from None
    return layer(version, found)


def _country(record: object) -> str:
    found = record.get("country_code") if isinstance(record, dict) else None
    return found.upper() if isinstance(found, str) and len(found) == 2 and found.isascii() else ""


def number_of(country: str) -> int:
    """A country's two letters as a number."""
    return int.from_bytes(country.encode("ascii"), "big")


def country_of(number: int) -> str:
    """The two letters of that number; empty for one that is negative."""
    return number.to_bytes(2, "big").decode("ascii") if number > 0 else ""


def origins(blob: bytes) -> Origins:
    """The ranges of `iporigin`; raises PulseError for a format that is not known."""
    try:
        magic, version, made, labels, v4, v6 = _HEAD.unpack_from(blob, 0)
        if (magic, version) != (MAGIC, FORMAT):
            raise ValueError(f"format {magic!r} {version}")
        at, found = _HEAD.size, []
        for _ in range(labels):
            (length,) = struct.unpack_from("<H", blob, at)
            provider, _, word = blob[at + 2 : at + 2 + length].decode().partition("\t")
            found.append((provider, word))
            at += 2 + length
        layers = {4: _origins(blob, at, v4, 4), 6: _origins(blob, at + v4 * _RECORD[4].itemsize, v6, 6)}
    except (struct.error, ValueError) as error:
        raise PulseError(f"iporigin's ranges are not of the format that Pulse reads ({error})") from None
    return Origins(layers, found, made * 1000)


def _origins(blob: bytes, at: int, count: int, version: int) -> Layer:
    rows = np.frombuffer(blob, _RECORD[version], count, at)
    kind = TYPES[version]
    return Layer(rows["first"].astype(kind), rows["last"].astype(kind), rows["label"].astype("i8"))


def without(one: Layer, values: Iterable[int]) -> Layer:
    """A layer without the ranges of some values."""
    kept = ~np.isin(one.value, list(values))
    return Layer(one.first[kept], one.last[kept], one.value[kept])


def nothing(version: int) -> Layer:
    """A layer that tells of no address."""
    return Layer(np.array([], TYPES[version]), np.array([], TYPES[version]), np.array([], "i8"))


NO_ORIGINS = Origins({version: nothing(version) for version in (4, 6)}, [], 0)
"""What is known without that package."""
