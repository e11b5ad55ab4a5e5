"""Files of the operator's own: lists of networks of a kind, and databases of MaxMind's format. They go before all others.

A list's name begins with its kind: `vpn.txt`, `hosting-x4b.txt`, `eyeball-partners.csv`. Each line is an address, a network
(`192.0.2.0/24`, `2001:db8::/32`) or an autonomous system (`AS64500`); what follows a comma, a space or a # does not count.
"""

import os
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from pulse.errors import PulseError
from pulse.network.database import Database, copied
from pulse.network.kind import Kind
from pulse.network.ranges import nested

DATABASE = ".mmdb"
_SYSTEM = re.compile(r"AS(\d{1,10})$", re.IGNORECASE)
_WORD = re.compile(r"[\s,;#]")
SHOWN = 3


class Says(NamedTuple):
    """A kind, the file that says so, and when that was written, in ms since the epoch."""

    kind: str
    source: str
    made_ms: int


class Ranges(NamedTuple):
    """Sorted, disjoint ranges of addresses, by number."""

    firsts: Sequence[int]
    lasts: Sequence[int]
    values: Sequence[int]

    def at(self, number: int) -> int:
        """The value of an address, -1 if it has none."""
        place = bisect_right(self.firsts, number) - 1
        return self.values[place] if place >= 0 and number <= self.lasts[place] else -1


class Own:
    """What the files of a folder say; `faults` tells of what could not be read, `files` how much was."""

    def __init__(self, folder: Path) -> None:
        self.faults: list[str] = []
        self.files: dict[str, int] = {}
        self.databases: list[Database] = []
        self._says: list[Says] = []
        self._systems: dict[int, Says] = {}
        networks: dict[int, list[tuple[IPv4Network | IPv6Network, int]]] = {4: [], 6: []}
        files, faults = files_of(folder)
        self.faults += faults
        for path in files:
            try:
                if path.suffix == DATABASE:
                    self._open(path)
                else:
                    self._list(path, networks)
            except OSError as error:
                self.faults.append(unreadable(path, error))
        self._ranges = {version: _ranges(version, some) for version, some in networks.items()}

    def kind(self, version: int, number: int, asn: int) -> Says | None:
        """What the lists say of an address, else of its autonomous system."""
        place = self._ranges[version].at(number)
        return self._says[place] if place >= 0 else self._systems.get(asn)

    def _open(self, path: Path) -> None:
        try:
            self.databases.append(copied(path))
        except PulseError as error:
            self.faults.append(str(error))
        else:
            self.files[path.name] = self.databases[-1].reader.metadata().node_count

    def _list(self, path: Path, networks: dict[int, list[tuple[IPv4Network | IPv6Network, int]]]) -> None:
        kind = kind_of(path)
        if kind is None:
            words = ", ".join(each for each in Kind if each is not Kind.unknown)
            self.faults.append(f"{path.name}: a list's name begins with its kind, one of {words}")
            return
        says, lines = Says(kind.value, path.name, int(path.stat().st_mtime * 1000)), list(lines_of(path))
        self._says.append(says)
        wrong: list[int] = []
        self.files[path.name] = 0
        for line, what in lines:
            if isinstance(what, int):
                self._systems.setdefault(what, says)
            elif what is not None:
                networks[what.version].append((what, len(self._says) - 1))
            else:
                wrong.append(line)
                continue
            self.files[path.name] += 1
        if wrong:
            shown = ", ".join(map(str, wrong[:SHOWN]))
            self.faults.append(f"{path.name}: no network in line {shown}{' and others' if len(wrong) > SHOWN else ''}")


def files_of(folder: Path) -> tuple[list[Path], list[str]]:
    """The files that count, in the order of their names, and the faults of those that would and cannot."""
    try:
        there = sorted(folder.iterdir())
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [unreadable(folder, error)]
    files, faults = [], []
    for path in there:
        if path.name.startswith(".") or path.suffix == ".md":
            continue
        try:
            is_file = S_ISREG(path.stat().st_mode)
            path.name.encode()  # events carry it
        except UnicodeEncodeError:
            faults.append(f"{_shown(path.name)}: a file's name must be UTF-8")
        except OSError as error:
            faults.append(unreadable(path, error))
        else:
            files += [path] if is_file else []
    return files, faults


def unreadable(path: Path, error: OSError) -> str:
    """The fault of a file or folder that the system does not let us read."""
    return f"{_shown(path)} cannot be read: {error.strerror or error}"


def _shown(path: str | Path) -> str:
    """A path or name as text that can be written, whatever bytes are in it."""
    return os.fsencode(path).decode(errors="backslashreplace")


def kind_of(path: Path) -> Kind | None:
    """The kind that a list's name begins with."""
    word = re.split(r"[-_.]", path.name, maxsplit=1)[0].lower()
    return Kind(word) if word in Kind.__members__ else None


def lines_of(path: Path) -> Iterator[tuple[int, IPv4Network | IPv6Network | int | None]]:
    """The numbered lines of a list: a network, the number of an autonomous system, or None for what is neither."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            word = _WORD.split(line.strip(), maxsplit=1)[0]
            if not word:
                continue
            system = _SYSTEM.match(word)
            try:
                yield number, int(system[1]) if system else ip_network(word, strict=False)
            except ValueError:
                yield number, None


def _ranges(version: int, networks: Sequence[tuple[IPv4Network | IPv6Network, int]]) -> Ranges:
    found = nested(networks)
    firsts, lasts = [first for first, _, _ in found], [last for _, last, _ in found]
    values = array("H", [value for _, _, value in found])
    return Ranges(array("I", firsts), array("I", lasts), values) if version == 4 else Ranges(firsts, lasts, values)
