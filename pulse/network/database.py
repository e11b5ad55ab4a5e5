"""Databases of MaxMind's format, of whatever schema."""

import logging
import shutil
import tempfile
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, NamedTuple

import maxminddb

from pulse.errors import PulseError
from pulse.network.found import NOWHERE, Found, told_once

log = logging.getLogger(__name__)


class Database(NamedTuple):
    """An open database; `made_ms` is when it was made, in ms since the epoch, `version` the highest that it knows.

    `faults` are the kinds of error that reading it has given: each is told once.
    """

    reader: Any
    name: str
    version: int
    made_ms: int
    faults: set[str]

    def told(self, address: IPv4Address | IPv6Address) -> Found:
        """What it tells of an address; NOWHERE, and a warning, where the record cannot be read or is of an unknown shape."""
        if address.version > self.version:
            return NOWHERE
        try:
            record = self.reader.get(address)
            found = told_once(record) if isinstance(record, dict) else NOWHERE
        except Exception as error:
            self._warn(type(error).__name__)
            return NOWHERE
        return found._replace(source=self.name, made_ms=self.made_ms) if found.network else found

    def _warn(self, kind: str) -> None:
        """Tell of a kind of error, once; not of its text, which may hold the address."""
        if kind not in self.faults:
            self.faults.add(kind)
            log.warning("network data: records of %s cannot be read, and are passed over: %s", self.name, kind)


def opened(path: Path) -> Database:
    """Open a database that Pulse itself replaces as a whole: it is mapped into memory, which all processes share.

    Raises PulseError if it is none.
    """
    try:
        return _database(maxminddb.open_database(path), path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise PulseError(f"{path} cannot be read: {error}") from None


def copied(path: Path) -> Database:
    """Open a copy of a database that somebody else writes: one that is cut short while it is mapped would end the process.

    The copy has no name, and goes with the process. Raises PulseError if the file is no database, or there is no room.
    """
    try:
        with tempfile.NamedTemporaryFile() as copy, path.open("rb") as file:
            shutil.copyfileobj(file, copy)
            copy.flush()
            return _database(maxminddb.open_database(copy.name), path)
    except (OSError, ValueError) as error:
        raise PulseError(f"{path} cannot be read: {error}") from None
    except maxminddb.InvalidDatabaseError:
        raise PulseError(f"{path} cannot be read: it is no database of MaxMind's format") from None


def _database(reader: Any, path: Path) -> Database:
    about = reader.metadata()
    return Database(reader, path.name, about.ip_version, about.build_epoch * 1000, set())
