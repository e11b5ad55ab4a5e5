"""Minute aggregates: what the rollup makes of one record of events, and how such parts add up."""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from pulse.money import units

MINUTE_MS = 60_000


class Seen(Struct, gc=False):
    """The fields of a refined event that the minute aggregates are made of."""

    event: str
    ts: int
    site_id: str
    country: str = ""
    device_type: str = ""
    revenue: float | None = None
    currency: str = ""
    bot: bool = False


class Key(NamedTuple):
    """What a minute aggregate is kept for; `minute` is its beginning in ms since the epoch."""

    site_id: str
    minute: int
    event: str
    country: str
    device_type: str
    currency: str


class Sums(NamedTuple):
    """How many events, how many of them by bots, and the revenue in ten-thousandths."""

    events: int
    bots: int
    revenue: int


def minute_of(ts: int) -> int:
    """The beginning of the minute of a time, both in ms."""
    return ts - ts % MINUTE_MS


def fold(events: Iterable[Seen]) -> dict[Key, Sums]:
    """The sums of events for each site, minute, event, country, device type and currency."""
    sums: dict[tuple[str, int, str, str, str, str], list[int]] = {}
    for e in events:
        key = e.site_id, e.ts - e.ts % MINUTE_MS, e.event, e.country, e.device_type, e.currency
        revenue = 0 if e.revenue is None else units(e.revenue)
        sum_ = sums.get(key)
        if sum_ is None:
            sums[key] = [1, int(e.bot), revenue]
        else:
            sum_[0] += 1
            sum_[1] += e.bot
            sum_[2] += revenue
    return {Key._make(key): Sums._make(sum_) for key, sum_ in sums.items()}


def merge(a: dict[Key, Sums], b: dict[Key, Sums]) -> dict[Key, Sums]:
    """The sums of two parts together."""
    merged = dict(a)
    for key, more in b.items():
        have = merged.get(key)
        merged[key] = more if have is None else Sums(*map(sum, zip(have, more, strict=True)))
    return merged


class Partial(Struct, kw_only=True, omit_defaults=True, gc=False):
    """One line of a record of `pulse.metrics`: the sums of one key within one record of events."""

    site_id: str
    minute: int
    event: str
    country: str = ""
    device_type: str = ""
    currency: str = ""
    events: int
    bots: int = 0
    revenue: int = 0


def partials(sums: dict[Key, Sums]) -> list[Partial]:
    """Sums as the lines of a metrics record."""
    return [
        Partial(
            site_id=site_id,
            minute=minute,
            event=event,
            country=country,
            device_type=device_type,
            currency=currency,
            events=events,
            bots=bots,
            revenue=revenue,
        )
        for (site_id, minute, event, country, device_type, currency), (events, bots, revenue) in sums.items()
    ]
