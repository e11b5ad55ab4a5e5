"""Stored rows through those steps that need nothing but what is stored.

The user agent and the full address are not: what follows from them (browser, system, device, bot, and the visitor who
names no id) stays as it is, and so do time, properties and id, and what an address said of a crawler's claim. The verdict on
the device is made anew. A country
that is stored stays too, since it may be the client's own word; where there is none, the address's network tells it. So does
the kind of network: it may have been told of the one address, where of all that begin alike nothing can be said.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from clickhouse.sink.events import SCORES
from pulse.event import RefinedEvent
from pulse.network.cut import last_of
from pulse.network.finder import Finder
from pulse.network.found import NOWHERE
from pulse.network.source import days_old
from pulse.risk.code import CODES
from pulse.risk.pulsegate import OF_DAY
from pulse.risk.rule_sets import RuleSet, rule_set
from pulse.settings import Settings
from streams.steps.address import hide_address
from streams.steps.currency import put_currency
from streams.steps.page import put_visit
from streams.steps.risk import put_risk
from streams.steps.step import Arrival, Refusal, Step

BLOCK = 50_000
OF_VELOCITY = tuple(code for code, each in CODES.items() if each.group == "velocity")
CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
KNOWN = ("as_org", "network", "network_source")
VERDICT = ("risk_band", "risk_confidence", "risk_reasons", "risk_rules")
NUMBERS = {
    **{"asn": pa.uint32(), "as_entropy": pa.float32(), "network_days": pa.uint16()},
    **dict.fromkeys(SCORES, pa.uint8()),
}
COUNTED = frozenset((*OF_VELOCITY, *OF_DAY, "DEV_HINTS"))
"""Reasons of what is not stored with the event."""
TIMES = ("received_at", "ts")
LOOKED_AT = ("event", "timezone", "bot", "bot_claim", "properties")
"""What a verdict needs beside what these steps fill."""
READ = (
    "url",
    "referrer",
    "ip",
    "consent",
    "fingerprint_id",
    "country",
    "region",
    "city",
    "currency",
    *CAMPAIGN,
    *KNOWN,
)
WRITTEN = (
    *("host", "path", "referrer_host", "channel", "currency"),
    *("ip", "fingerprint_id", "country", "region", "city", *CAMPAIGN, *KNOWN, *VERDICT),
)
"""The columns that these steps fill, beside the `NUMBERS`."""


def steps_of_stored(settings: Settings) -> tuple[Step, ...]:
    """The steps for stored rows; raises SettingError if the geographic database cannot be read."""
    return (
        put_currency,
        fill_network(Finder(settings.networks_folder, settings.geo_database)),
        put_visit,
        hide_address,
        keep_counted(rule_set(settings.risk_rules)),
    )


def keep_counted(rules: RuleSet) -> Step:
    """The verdict anew, unless the same rule set gave it by what counts over several events, or by headers: neither is stored with the event."""
    put, named = put_risk(rules), f"{rules.name}/{rules.version}"

    def keep(event: RefinedEvent, arrival: Arrival) -> Refusal | None:
        if event.risk_rules == named and not COUNTED.isdisjoint(event.risk_reasons.split(",")):
            return None
        return put(event, arrival)

    return keep


def fill_network(finder: Finder) -> Step:
    """The autonomous system where the data name one; place and kind of network where none is stored."""

    def fill(event: RefinedEvent, arrival: Arrival) -> None:
        found = finder.find(event.ip) if event.ip else NOWHERE
        arrival.country = found.country
        if not event.ip:
            return
        if found.as_org or (found.asn and found.asn != event.asn):
            event.as_org, event.as_entropy = found.as_org, found.as_entropy
        event.asn = found.asn or event.asn
        if not event.country and found.country:
            event.country = found.country
            event.region = event.region or found.region
            event.city = event.city or found.city
        if not event.network and found.network == finder.find(last_of(event.ip)).network:
            event.network, event.network_source = found.network, found.source
            event.network_days = days_old(found.made_ms, event.received_at) if found.made_ms else 0

    return fill


def renewed(rows: pa.Table, steps: Sequence[Step]) -> pa.Table:
    """Stored rows as they are after the steps; columns that none of them fills are not touched."""
    arrival = Arrival("", 0, 0, 0)
    columns = rows.select([*READ, *LOOKED_AT, *VERDICT, *NUMBERS])
    for name in TIMES:
        columns = columns.append_column(name, rows[name].cast(pa.timestamp("ms", "UTC")).cast(pa.int64()))
    events = [_event(row) for row in columns.to_pylist()]
    for event in events:
        for step in steps:
            step(event, arrival)
    for name in WRITTEN:
        rows = _with(rows, name, pa.array([getattr(event, name) or "" for event in events], pa.string()))
    for name, kind in NUMBERS.items():
        rows = _with(rows, name, pa.array([getattr(event, name) for event in events], kind))
    return rows


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
    texts: dict[str, object] = {name: row[name] or None for name in READ if name not in KNOWN}
    rest = {name: row[name] for name in (*KNOWN, *LOOKED_AT, *VERDICT, *NUMBERS, *TIMES)}
    return RefinedEvent(**texts, **rest)  # type: ignore[arg-type]


def _with(rows: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, column)
