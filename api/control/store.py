"""The one door to the control plane's records: each save is stored, then made known."""

from collections.abc import Sequence
from typing import Any

from api.control.database import Announce, Database
from api.control.keys import Keys
from api.control.sites import Sites


class Store:
    """Sites and keys of one database. All of its calls block: use them from a thread."""

    def __init__(self, url: str, announce: Announce | None = None) -> None:
        self._database = Database(url, announce)
        self.sites = Sites(self._database)
        self.keys = Keys(self._database)

    def record(self, name: str) -> dict[str, Any] | None:
        """The record that a name such as `site:main` stands for, as `pulse.config` carries it."""
        kind, _, record_id = name.partition(":")
        return self.sites.public(record_id) if kind == "site" else self.keys.public(record_id)

    def names(self) -> Sequence[str]:
        """The names of all records."""
        sites, keys = self.sites.every(), self.keys.every()
        return [site.record_name() for site in sites] + [key.record_name() for key in keys]

    def ping(self) -> None:
        """Raise Unavailable unless the database answers and has its tables."""
        self.sites.list("", 1)

    def close(self) -> None:
        """Give back the connections."""
        self._database.close()
