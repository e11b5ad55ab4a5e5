"""The one door to the control plane's records: each save is stored, then made known."""

from collections.abc import Sequence
from typing import Any, Protocol

from api.control.cohorts import Cohorts
from api.control.corrections import Corrections
from api.control.database import Announce, Database
from api.control.deliveries import Deliveries
from api.control.endpoints import Endpoints
from api.control.keys import Keys
from api.control.leads import Leads
from api.control.model import Annotation, SavedFunnel, SavedQuery
from api.control.resolutions import Resolutions
from api.control.rules import Rules
from api.control.saved import Annotations, Saved
from api.control.sites import Sites
from api.control.snapshots import Snapshots

MOST_FUNNELS = 20
MOST_QUERIES = 1_000
MOST_ANNOTATIONS = 10_000
"""Of one site: each saved funnel is looked at with every event of the site that is stored."""


class Kept(Protocol):
    """Records of one kind."""

    def every(self) -> Sequence[Any]:
        """All of them."""

    def public(self, record_id: str) -> dict[str, Any] | None:
        """One as `pulse.config` carries it, None if there is none."""


class Store:
    """Sites, keys, alert rules, cohorts, saved funnels and queries, annotations, endpoints and deliveries, leads. All of its calls block: use them from a thread."""

    def __init__(self, url: str, announce: Announce | None = None) -> None:
        self._database = Database(url, announce)
        self.sites = Sites(self._database)
        self.keys = Keys(self._database)
        self.rules = Rules(self._database)
        self.cohorts = Cohorts(self._database)
        self.corrections = Corrections(self._database)
        self.resolutions = Resolutions(self._database)
        self.snapshots = Snapshots(self._database)
        self.funnels = Saved(self._database, SavedFunnel, "funnel", MOST_FUNNELS)
        self.queries = Saved(self._database, SavedQuery, "query", MOST_QUERIES)
        self.annotations = Annotations(self._database, Annotation, "annotation", MOST_ANNOTATIONS)
        self.endpoints = Endpoints(self._database)
        self.deliveries = Deliveries(self._database)
        self.leads = Leads(self._database)
        self._made_known: dict[str, Kept] = {
            "site": self.sites,
            "key": self.keys,
            "rule": self.rules,
            "cohort": self.cohorts,
        }

    def record(self, name: str) -> dict[str, Any] | None:
        """The record that a name such as `site:main` stands for, as `pulse.config` carries it."""
        kind, _, record_id = name.partition(":")
        return self._made_known[kind].public(record_id)

    def names(self) -> Sequence[str]:
        """The names of all records."""
        return [record.record_name() for kind in self._made_known.values() for record in kind.every()]

    def ping(self) -> None:
        """Raise Unavailable unless the database answers and has its tables."""
        self.sites.list("", 1)

    def close(self) -> None:
        """Give back the connections."""
        self._database.close()
