"""Looks addresses up in all that is known, and looks again when a file has changed. Without data it finds nothing, and says so."""

import logging
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from socket import AF_INET, inet_pton
from threading import Event, Thread
from typing import NamedTuple, TypeVar

from msgspec import MsgspecError, json

from pulse.errors import PulseError, SettingError
from pulse.network import crawlers, table
from pulse.network.crawlers import Bot, Crawlers
from pulse.network.database import Database, copied, opened
from pulse.network.found import NOWHERE, UNKNOWN, Found, over
from pulse.network.own import Own, files_of, unreadable
from pulse.network.source import Taken
from pulse.network.table import Table

REMEMBERED = 65_536
"""Addresses: so many are met again before they are forgotten."""
REMEMBERED_AGENTS = 20_000
LOOK_EACH_S = 5.0

OWN = "own"
PACKAGES = "packages.json"
PLACES = ("city", "country")

log = logging.getLogger(__name__)

_Read = TypeVar("_Read")
Stamp = tuple[tuple[str | int, ...], ...]


class Data(NamedTuple):
    """What is in the folder at one time, and what is wrong with it."""

    table: Table | None
    places: dict[int, list[Database]]
    own: Own
    crawlers: Crawlers
    faults: list[str]


class Finder:
    """Finds what an address tells, and names bots; `find` and `named` are replaced when the folder's files change.

    `database` is one of MaxMind's format, which goes before the folder's. Raises SettingError if it is none.
    """

    find: Callable[[str], Found]
    named: Callable[[str], Bot]

    def __init__(self, folder: Path, database: Path | None = None) -> None:
        self.folder = folder
        self._database = _given(database)
        self._stamp: Stamp = ()
        self.data = self._take(stamp_of(folder))

    def renew(self) -> bool:
        """Look whether files have changed, and if so take them; whether they had."""
        stamp = stamp_of(self.folder)
        if stamp == self._stamp:
            return False
        self.data = self._take(stamp)
        log.info("network data are taken anew", extra={"folder": str(self.folder), "faults": self.data.faults})
        return True

    def follow(self) -> None:
        """Look again every few seconds, from a thread of its own, until the process ends."""
        Thread(target=self._follow, name="networks", daemon=True).start()

    def homes(self, provider: str) -> frozenset[int]:
        """The autonomous systems that a provider's crawler comes from."""
        return self.data.table.homes(provider) if self.data.table else frozenset()

    def _follow(self) -> None:
        pause = Event()
        while not pause.wait(LOOK_EACH_S):
            try:
                self.renew()
            except Exception:
                log.exception("network data cannot be looked at; those that were taken stay")

    def _take(self, stamp: Stamp) -> Data:
        data = taken(self.folder)
        self._stamp = stamp
        for fault in data.faults:
            log.warning("network data: %s", fault)
        self.find = lru_cache(maxsize=REMEMBERED)(lambda text: found(text, data, self._database))
        self.named = lru_cache(maxsize=REMEMBERED_AGENTS)(data.crawlers.named)
        return data


def found(text: str, data: Data, database: Database | None = None) -> Found:
    """What an address tells, by all that is known: the operator's word first. NOWHERE for what is no address."""
    address = address_of(text)
    if address is None:
        return NOWHERE
    number = int(address)
    own = _first([database, *data.own.databases] if database else data.own.databases, address)
    lower = _in_table(data.table, address.version, number)
    if data.table and own.asn and own.asn != lower.asn:
        lower = _of_system(lower, data.table.system(own.asn))
    if not own.country:
        lower = Found._make(_place(data.places[address.version], address)[:3] + lower[3:])
    both = over(own, lower) if own is not NOWHERE else lower
    says = data.own.kind(address.version, number, both.asn)
    return both._replace(network=says.kind, source=says.source, made_ms=says.made_ms) if says else both


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """An address in any form that Python knows, one of version 4 in another's clothes as itself; None for what is none."""
    if ":" not in text:
        return _of_version_4(text.partition("%")[0])
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _of_version_4(text: str) -> IPv4Address | None:
    """The same without a colon. The system's own function takes what Python does, and tells it sooner."""
    try:
        return IPv4Address(inet_pton(AF_INET, text))
    except (OSError, ValueError):
        return None


def _in_table(known: Table | None, version: int, number: int) -> Found:
    if known is None:
        return NOWHERE
    return known.v4(number) if version == 4 else known.v6(number)


def _of_system(lower: Found, known: Found) -> Found:
    """What is known of a range, put into a system that somebody knows better; of a range that no provider names, the system's."""
    if not lower.source:
        return known if known.network else UNKNOWN
    return lower._replace(asn=known.asn, as_org=known.as_org, as_entropy=known.as_entropy)


def _place(databases: list[Database], address: IPv4Address | IPv6Address) -> Found:
    """What the first database tells that names a country."""
    for each in databases:
        told = each.told(address)
        if told.country:
            return told
    return NOWHERE


def _first(databases: list[Database], address: IPv4Address | IPv6Address) -> Found:
    """What databases tell together, the first one's word first."""
    told = NOWHERE
    for each in databases:
        told = over(told, each.told(address))
    return told


def taken(folder: Path) -> Data:
    """What a folder holds; what cannot be read is told among the faults, and does without."""
    faults: list[str] = []
    own = Own(folder / OWN)
    known = _or_fault(Table, folder / table.NAME, faults)
    named = _or_fault(crawlers.read, folder / crawlers.NAME, faults)
    places: dict[int, list[Database]] = {4: [], 6: []}
    for version, readers in places.items():
        paths = [folder / f"{name}{version}.mmdb" for name in PLACES]
        there = [_or_fault(opened, path, faults) for path in paths]
        readers += [reader for reader in there if reader is not None]
    return Data(known, places, own, named or Crawlers(), [*faults, *own.faults])


def _or_fault(read: Callable[[Path], _Read], path: Path, faults: list[str]) -> _Read | None:
    try:
        return read(path) if path.exists() else None
    except PulseError as error:
        faults.append(str(error))
    except OSError as error:
        faults.append(unreadable(path, error))
    return None


def _given(path: Path | None) -> Database | None:
    try:
        return copied(path) if path else None
    except PulseError as error:
        raise SettingError(f"PULSE_GEO_DATABASE: {error}") from None


def stamp_of(folder: Path) -> Stamp:
    """What changes when a file that counts is written, comes or goes, or when who may read it changes."""
    names = (table.NAME, crawlers.NAME, *(f"{name}{version}.mmdb" for name in PLACES for version in (4, 6)))
    own, faults = files_of(folder / OWN)
    stamps: list[tuple[str | int, ...]] = [(fault,) for fault in faults]
    for path in (*(folder / name for name in names), *own):
        try:
            state = path.stat()
        except OSError:
            continue
        readers = state.st_mode, state.st_uid, state.st_gid
        stamps.append((path.name, state.st_mtime_ns, state.st_size, state.st_ino, *readers))
    return tuple(stamps)


def packages(folder: Path) -> list[Taken]:
    """What `pulse geo update` took; nothing where it has not been run. Raises PulseError."""
    path = folder / PACKAGES
    try:
        return json.decode(path.read_bytes(), type=list[Taken])
    except FileNotFoundError:
        return []
    except (OSError, MsgspecError) as error:
        raise PulseError(f"{path} cannot be read ({error}): `pulse geo update` makes it anew") from None
