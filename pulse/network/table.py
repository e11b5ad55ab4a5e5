"""The built table: a file of Arrow that is mapped into memory, and so shared by all processes of a machine.

It has one row, whose columns are lists: where ranges begin, what lies there, and the systems and providers by number.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import Struct, json

from pulse.errors import PulseError
from pulse.network.found import NOWHERE, UNKNOWN, Found
from pulse.network.kind import Kind
from pulse.network.ranges import Array, halves
from pulse.network.source import ASN, ORIGIN, Taken

NAME = "networks.arrow"
REMEMBERED = 32_768
"""Of so many systems, and providers in them, it is remembered what they are."""
KINDS = tuple(kind.value for kind in Kind)
_ABOUT = b"pulse"

COLUMNS = {
    "v4": pa.uint32(),
    "v4_system": pa.int32(),
    "v4_origin": pa.int16(),
    "v6_high": pa.uint64(),
    "v6_low": pa.uint64(),
    "v6_system": pa.int32(),
    "v6_origin": pa.int16(),
    "asn": pa.uint32(),
    "org": pa.string(),
    "entropy": pa.float32(),
    "kind": pa.uint8(),
    "provider": pa.string(),
    "provider_kind": pa.uint8(),
    "homes": pa.list_(pa.uint32()),
}
SCHEMA = pa.schema([(name, pa.list_(kind)) for name, kind in COLUMNS.items()])


class About(Struct):
    """When a table was built, in ms since the epoch, and of what."""

    built_ms: int
    taken: list[Taken]

    def made_ms(self, name: str) -> int:
        """When the data of a package were made; 0 if it is not in the table."""
        return next((each.made_ms for each in self.taken if each.name == name), 0)


def columns_of(points: dict[int, Array]) -> dict[str, Array]:
    """The columns that say where ranges begin."""
    high, low = halves(points[6])
    return {"v4": points[4].astype("u4"), "v6_high": high, "v6_low": low}


def write(path: Path, columns: dict[str, Any], about: About) -> None:
    """Write a table in place of another, which stays whole for whoever has it open. Raises OSError."""
    row = {name: pa.array([columns[name]], pa.list_(kind)) for name, kind in COLUMNS.items()}
    table = pa.table(row, SCHEMA.with_metadata({_ABOUT: json.encode(about)}))
    beside = path.with_suffix(".new")
    with pa.OSFile(str(beside), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    beside.replace(path)


class Table:
    """Looks addresses up in a built table. Raises PulseError if the file is none that this version can read."""

    def __init__(self, path: Path) -> None:
        try:
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
            self.about = json.decode(table.schema.metadata[_ABOUT], type=About)
            if not table.schema.remove_metadata().equals(SCHEMA):
                raise ValueError("it has other columns")
        except (OSError, ValueError, TypeError, KeyError, pa.ArrowInvalid) as error:
            raise PulseError(f"{path} cannot be read ({error}): `pulse geo update` makes it anew") from None
        lists = {name: table[name].chunk(0).values for name in COLUMNS}
        numbers = {
            name: memoryview(lists[name].to_numpy()) for name, kind in COLUMNS.items() if pa.types.is_primitive(kind)
        }
        self._v4 = (numbers["v4"], numbers["v4_system"], numbers["v4_origin"])
        self._v4_at = _starts(np.asarray(numbers["v4"]))
        self._v6 = (numbers["v6_high"], numbers["v6_low"], numbers["v6_system"], numbers["v6_origin"])
        systems = numbers["asn"], _texts(lists["org"]), numbers["entropy"], numbers["kind"]
        self._by_number = np.asarray(numbers["asn"])
        names: list[str] = lists["provider"].to_pylist()
        providers = [(name, KINDS[number]) for name, number in zip(names, numbers["provider_kind"], strict=True)]
        self._homes = {
            provider: frozenset(homes) for provider, homes in zip(names, lists["homes"].to_pylist(), strict=True)
        }
        made = self.about.made_ms(ASN.name), self.about.made_ms(ORIGIN.name)
        self._found = lru_cache(maxsize=REMEMBERED)(partial(_found, systems, providers, made))

    def v4(self, number: int) -> Found:
        """What is known of an address of version 4, by its number."""
        begins, systems, origins = self._v4
        block = number >> 16
        at = bisect_right(begins, number, self._v4_at[block], self._v4_at[block + 1]) - 1
        return self._found(systems[at], origins[at]) if at >= 0 else UNKNOWN

    def v6(self, number: int) -> Found:
        """What is known of an address of version 6, by its number."""
        highs, lows, systems, origins = self._v6
        high = number >> 64
        begin, end = bisect_left(highs, high), bisect_right(highs, high)
        at = bisect_right(lows, number & 0xFFFF_FFFF_FFFF_FFFF, begin, end) - 1
        return self._found(systems[at], origins[at]) if at >= 0 else UNKNOWN

    def system(self, number: int) -> Found:
        """What is known of an autonomous system as a whole; NOWHERE if that is nothing."""
        at = int(np.searchsorted(self._by_number, number))
        is_there = at < len(self._by_number) and self._by_number[at] == number
        return self._found(at, -1) if is_there else NOWHERE

    def homes(self, provider: str) -> frozenset[int]:
        """The autonomous systems in which a provider's ranges lie; none for one that has no ranges."""
        return self._homes.get(provider, frozenset())


def _texts(texts: Any) -> Callable[[int], str]:
    """What gives a text by its place: straight from where it lies, a dozen times as soon as through Arrow's own objects."""
    _, places, letters = texts.buffers()
    begins, letters = np.frombuffer(places, "i4", len(texts) + 1, 4 * texts.offset).data, memoryview(letters or b"")
    return lambda at: str(letters[begins[at] : begins[at + 1]], "utf-8")


def _starts(begins: Array) -> memoryview:
    """The place of the first range that begins in each /16 or after it: looked for is among few."""
    blocks = np.arange(0, (1 << 32) + 1, 1 << 16, dtype="u8")
    return np.searchsorted(begins, blocks).astype("u4").data


def _found(
    systems: tuple[Any, ...], providers: list[tuple[str, str]], made: tuple[int, int], system: int, origin: int
) -> Found:
    """What is known of a system's range in which a provider has addresses, by their places in their lists; negative if there is none."""
    found = UNKNOWN
    if system >= 0:
        asns, names, entropies, kinds = systems
        found = Found(
            asn=asns[system],
            as_org=names(system),
            as_entropy=round(entropies[system], 2),
            network=KINDS[kinds[system]],
            made_ms=made[0],
        )
    if origin >= 0:
        provider, kind = providers[origin]
        found = found._replace(network=kind, source=provider, made_ms=made[1])
    return found
