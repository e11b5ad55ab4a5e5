"""What ClickHouse knows of a site's minutes, for the evaluation of its rules, and what rules told."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from clickhouse.client import Client
from pulse.alerting.selector import Selector
from pulse.minute import MINUTE_MS, Partial

FOREVER = 1 << 31

Applied = dict[tuple[int, str], int]
"""Month (as 202611) and mark of a source → the place up to which its partials are counted."""


class Dimensions(NamedTuple):
    """By which dimensions minutes must be told apart."""

    event: bool
    country: bool
    device_type: bool
    currency: bool


def dimensions_of(selectors: Iterable[Selector]) -> Dimensions:
    """The dimensions that some selectors need."""
    every = list(selectors)
    return Dimensions(
        any(s.events or s.metric == "ratio" or s.group_by == "event" for s in every),
        any(s.countries or s.group_by == "country" for s in every),
        any(s.device_types or s.group_by == "device_type" for s in every),
        any(s.currency for s in every),
    )


def minutes(
    client: Client, sites: Sequence[str], since: int, by: Dimensions, applied: Applied, until: int = FOREVER
) -> Iterator[Partial]:
    """The sums of some sites, one after the other, from one minute up to another (since the epoch), as they stand at one moment.

    `applied` is told up to which places they go. Raises Unavailable, QueryError.
    """
    asked: dict[str, object] = {
        "sites": list(sites),
        "since": max(since, 0),
        "until": until,
        "by_event": by.event,
        "by_country": by.country,
        "by_device": by.device_type,
        "by_currency": by.currency,
    }
    for block in client.tables("alerting/minutes", asked):
        names = block.column_names
        for row in zip(*(block[name].to_pylist() for name in names), strict=True):
            site, is_mark, month, at, event, country, device, currency, n, bots, money, places = row
            if is_mark:
                applied |= {(month, mark): place for mark, place in dict(places).items()}
            else:
                yield Partial(
                    site_id=site,
                    minute=at * MINUTE_MS,
                    event=event,
                    country=country,
                    device_type=device,
                    currency=currency,
                    events=max(n, 0),
                    bots=max(bots, 0),
                    revenue=money,
                )


class Past(NamedTuple):
    """A notice of a rule as it is stored; moments in ms since the epoch."""

    id: str
    at: int
    kind: str
    rule_id: str
    rule: str
    severity: str
    group: str
    value: float | None
    low: float | None
    high: float | None
    window_start: int
    window_end: int
    reason: str
    test: bool


def history(client: Client, site_id: str, rule_id: str, limit: int, before: int, last: str) -> list[Past]:
    """At most `limit` of what the rules of a site told (or one of them, if given), before a moment and id, the latest first.

    Raises Unavailable, QueryError.
    """
    asked: dict[str, object] = {
        "site": site_id,
        "rule": rule_id,
        "limit": limit,
        "before": before,
        "last": last,
    }
    return [Past(*row) for row in client.query("alerting/history", asked).rows]


class Firing(NamedTuple):
    """A rule, and a group of it, that told last that it fires; `minute` is the last of the window that showed it, since the epoch."""

    site_id: str
    rule_id: str
    group: str
    is_silent: bool
    minute: int


def firing(client: Client, sites: Iterable[str], before_ms: int) -> list[Firing]:
    """What told before a moment that it fires, or that nothing comes, and nothing since. Raises Unavailable, QueryError."""
    rows = client.query("alerting/firing", {"sites": sorted(sites), "before": before_ms}).rows
    return [Firing(site, rule, group, bool(is_silent), minute) for site, rule, group, is_silent, minute in rows]
