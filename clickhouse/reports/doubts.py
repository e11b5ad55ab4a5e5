"""Days that could not be told from rows of `activity` the last time: to read them from the events at once spares asking twice.

It is a hint and no more: what is read from the events is right whatever is remembered here.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from clickhouse.reports.daybits import Day

KEPT_S = 60.0
"""Then they may have been made anew."""
MOST_SITES = 1_000
MOST_DAYS = 31
"""Of more days the events are many."""

_lock = Lock()
_known: OrderedDict[tuple[str, str], tuple[frozenset[Day], float]] = OrderedDict()


def of(database: str, site_id: str) -> frozenset[Day]:
    """The days of a site."""
    days, until = _known.get((database, site_id), (frozenset(), 0.0))
    return days if time.monotonic() < until else frozenset()


def note(database: str, site_id: str, days: Iterable[Day]) -> None:
    """Remember the days of a site, and no others."""
    found = frozenset(days)
    with _lock:
        _known.pop((database, site_id), None)
        if 0 < len(found) <= MOST_DAYS:
            _known[database, site_id] = (found, time.monotonic() + KEPT_S)
        if len(_known) > MOST_SITES:
            _known.popitem(last=False)
