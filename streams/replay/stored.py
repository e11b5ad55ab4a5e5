"""Stored rows through those steps that need nothing but what is stored.

The user agent and the full address are not: what follows from them (browser, system, device, bot, and the visitor who
names no id) stays as it is, and so do time, properties and id. A country that is stored stays too, since it may be the
client's own word; where there is none, the address's network tells it.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from pulse.event import RefinedEvent
from pulse.settings import Settings
from streams.steps.address import LookUp, hide_address, look_up
from streams.steps.currency import put_currency
from streams.steps.page import put_campaign, put_channel, put_page, put_referrer
from streams.steps.step import Arrival, Step

BLOCK = 50_000
CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
READ = ("url", "referrer", "ip", "consent", "fingerprint_id", "country", "region", "city", "currency", *CAMPAIGN)
WRITTEN = (
    *("host", "path", "referrer_host", "channel", "currency"),
    *("ip", "fingerprint_id", "country", "region", "city", *CAMPAIGN),
)
"""The columns that these steps fill, beside `asn`."""


def steps_of_stored(settings: Settings) -> tuple[Step, ...]:
    """The steps for stored rows; raises SettingError if the geographic database cannot be read."""
    return (
        put_currency,
        fill_country(look_up(settings.geo_database)),
        put_page,
        put_referrer,
        put_campaign,
        put_channel,
        hide_address,
    )


def fill_country(whence: LookUp) -> Step:
    """Country, region and city where none is stored, and the autonomous system where the database names one."""

    def fill(event: RefinedEvent, arrival: Arrival) -> None:
        if not event.ip:
            return
        found = whence(event.ip)
        event.asn = found.asn or event.asn
        if not event.country and found.country:
            event.country = found.country
            event.region = event.region or found.region
            event.city = event.city or found.city

    return fill


def renewed(rows: pa.Table, steps: Sequence[Step]) -> pa.Table:
    """Stored rows as they are after the steps; columns that none of them fills are not touched."""
    arrival = Arrival("", 0, 0, 0)
    events = [_event(row) for row in rows.select([*READ, "asn"]).to_pylist()]
    for event in events:
        for step in steps:
            step(event, arrival)
    for name in WRITTEN:
        rows = _with(rows, name, pa.array([getattr(event, name) or "" for event in events], pa.string()))
    return _with(rows, "asn", pa.array([event.asn for event in events], pa.uint32()))


def gathered(blocks: Iterator[pa.Table], most: int = BLOCK) -> Iterator[pa.Table]:
    """Blocks put together to so many rows and more."""
    waiting: list[pa.Table] = []
    for block in blocks:
        waiting.append(block)
        if sum(map(len, waiting)) >= most:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _event(row: dict[str, object]) -> RefinedEvent:
    asn = row.pop("asn")
    return RefinedEvent(event="stored", asn=asn, **{name: value or None for name, value in row.items()})  # type: ignore[arg-type]


def _with(rows: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, column)
