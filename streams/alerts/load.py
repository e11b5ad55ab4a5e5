"""The minutes of sites as the store has them, and what the log holds beyond: each partial is counted once."""

import logging
from collections.abc import Iterable, Mapping
from time import time

from clickhouse.alerting import Applied, dimensions_of, minutes
from clickhouse.client import Client
from pulse.alerting.rule import AHEAD
from pulse.alerting.site import Site
from pulse.errors import QueryError, Unavailable
from pulse.topics import METRICS
from streams.alerts.partition import Counted, count, taken
from streams.broker import Broker

SINK = "pulse-sink"
AT_ONCE = 50
"""How many sites are read at once."""

log = logging.getLogger(__name__)


def starts(broker: Broker, partitions: Iterable[int]) -> dict[int, int]:
    """Where reading must begin, if the store is asked after this: all before is stored. Raises Unavailable."""
    found = broker.starts(SINK, [(METRICS, number) for number in partitions])
    return {number: offset for (_, number), offset in found.items()}


def from_store(client: Client, sites: Mapping[str, Site], minute: int) -> dict[str, Counted]:
    """Fill the series of sites with what the store has of the time up to a minute; of those that it can read.

    Where the store is there and refuses many sites at once, for want of memory mostly, half of them are read, and so on;
    one that it refuses alone is left out. Raises Unavailable if the store is away.
    """
    found = {name: Counted(site, {}) for name, site in sites.items()}
    alike = sorted((name for name, site in sites.items() if site.tallies), key=lambda name: sites[name].reach)
    refused: dict[str, Unavailable | QueryError] = {}
    for begin in range(0, len(alike), AT_ONCE):
        refused |= _read(client, {name: found[name] for name in alike[begin : begin + AT_ONCE]}, minute)
    for name, error in refused.items():
        log.error("the rules of a site are not watched: %s", error, extra={"site": name})
        del found[name]
    return found


def _read(client: Client, some: Mapping[str, Counted], minute: int) -> dict[str, Unavailable | QueryError]:
    """Fill sites, in one reading or, where that is too much, in several; those that cannot be read, and why.

    One that is alone is read a second time: the first time the store may not have been there yet.
    """
    error = _tried(client, some, minute)
    if error is not None and len(some) == 1:
        error = _tried(client, some, minute)
        return {} if error is None else dict.fromkeys(some, error)
    if error is not None:
        names = list(some)
        halves = names[: len(names) // 2], names[len(names) // 2 :]
        log.warning("%d sites are read in halves: %s", len(names), error)
        return {
            name: why
            for half in halves
            for name, why in _read(client, {each: some[each] for each in half}, minute).items()
        }
    return {}


def _tried(client: Client, some: Mapping[str, Counted], minute: int) -> Unavailable | QueryError | None:
    """Fill sites; what the store, which is there, has against it. Raises Unavailable if it is away."""
    try:
        _fill(client, some, minute)
    except (Unavailable, QueryError) as error:
        client.ping()
        for counted in some.values():
            counted.site.clear()
        return error
    return None


def _fill(client: Client, some: Mapping[str, Counted], minute: int) -> None:
    """Of sites that look back alike, in one reading."""
    since = minute - max(counted.site.reach for counted in some.values()) - 1
    by = dimensions_of(selector for counted in some.values() for selector in counted.site.tallies)
    applied: Applied = {}
    for partial in minutes(client, list(some), since, by, applied, minute + AHEAD):
        some[partial.site_id].site.add(partial)
    for counted in some.values():
        counted.applied |= applied


def from_log(broker: Broker, number: int, start: int, end: int, name: str, counted: Counted) -> None:
    """Count for a site what the log holds from one offset up to another. Raises Unavailable."""
    if start >= end:
        return
    for message in broker.read((METRICS, number), start):
        if (message.offset() or 0) >= end:
            return
        count(taken(message), number, {name: counted}, time() * 1000)
