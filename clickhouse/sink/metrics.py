"""`pulse.metrics` → `metrics_minute`: partials summed, with the places up to which they are applied."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from clickhouse.sink.decimal import scaled
from clickhouse.sink.kind import Kind, is_missing, is_outside
from clickhouse.sink.lines import Numbers
from clickhouse.sink.record import Record
from clickhouse.sink.sums import below_applied, places, summed
from pulse import topics
from pulse.event import MAX_MS

KEYS = ("site_id", "minute", "event", "country", "device_type", "currency")
WORDS = ("site_id", "event", "country", "device_type", "currency")
COUNTS = ("events", "bots")
WHOLE = pa.decimal128(38, 0)
"""Ten-thousandths summed over a record may pass 64 bits."""

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in WORDS),
        *((name, pa.int64()) for name in ("minute", *COUNTS)),
        ("revenue", WHOLE),
    ]
)


def mark(record: Record) -> str:
    """Here a partition holds the partials of several of the raw log's."""
    return f"{record.place.log}:{record.partition}:{record.place.partition}"


def columns(rows: pa.Table, origin: Numbers, records: Sequence[Record]) -> pa.Table:
    """The columns of `metrics_minute`: a row for each key, and first that of the empty site with the places applied.

    All rows lie in one month.
    """
    whole = _filled(below_applied(summed(_filled(rows), KEYS, (*COUNTS, "revenue"))))
    made = {name: whole[name].dictionary_encode() for name in WORDS}
    made["minute"] = whole["minute"].cast(pa.timestamp("ms", "UTC")).cast(pa.timestamp("s", "UTC"))
    made |= {name: whole[name].cast(pa.uint64()) for name in ("events", "bots")}
    made["revenue"] = scaled(whole["revenue"].combine_chunks())
    made["_applied"] = places(len(whole), origin, records, mark, max)
    return pa.table(made)


def _filled(rows: pa.Table) -> pa.Table:
    made = {name: pc.fill_null(rows[name], "") for name in WORDS}
    made |= {name: pc.fill_null(rows[name], 0) for name in COUNTS}
    made |= {"minute": rows["minute"], "revenue": pc.fill_null(rows["revenue"], pa.scalar(0, WHOLE))}
    return pa.table(made)


METRICS = Kind(
    topic=topics.METRICS,
    table="metrics_minute",
    mark=mark,
    schema=SCHEMA,
    checks=(
        is_missing("site_id", "event", "minute", "events"),
        ("site_id is empty", lambda rows: pc.equal(rows["site_id"], "")),
        is_outside("minute", 0, MAX_MS),
        is_outside("events", 0, 1 << 32),
        is_outside("bots", 0, 1 << 32),
    ),
    month="minute",
    columns=columns,
)
