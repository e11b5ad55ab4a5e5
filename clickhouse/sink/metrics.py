"""`pulse.metrics` → `metrics_minute`: partials summed, with the places up to which they are applied."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickhouse.sink.decimal import scaled
from clickhouse.sink.kind import Kind, is_missing, is_outside, months
from clickhouse.sink.lines import Numbers
from clickhouse.sink.record import Record
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
APPLIED = pa.map_(pa.string(), pa.uint64())


def mark(record: Record) -> str:
    """Here a partition holds the partials of several of the raw log's."""
    return f"{record.place.log}:{record.partition}:{record.place.partition}"


def columns(rows: pa.Table, origin: Numbers, records: Sequence[Record]) -> pa.Table:
    """The columns of `metrics_minute`: a row for each key, and first that of the empty site with the places applied.

    All rows lie in one month.
    """
    first = months(rows["minute"][:1].to_numpy())[0]
    summed = _summed(_filled(rows))
    applied = pa.Table.from_pylist([{"site_id": "", "minute": _beginning(int(first))}], SCHEMA)
    whole = _filled(pa.concat_tables([applied.select(summed.column_names), summed]).combine_chunks())
    made = {name: whole[name].dictionary_encode() for name in WORDS}
    made["minute"] = whole["minute"].cast(pa.timestamp("ms", "UTC")).cast(pa.timestamp("s", "UTC"))
    made |= {name: whole[name].cast(pa.uint64()) for name in ("events", "bots")}
    made["revenue"] = scaled(whole["revenue"].chunk(0))
    made["_applied"] = _applied(len(whole), origin, records)
    return pa.table(made)


def _summed(rows: pa.Table) -> pa.Table:
    sums = rows.group_by(list(KEYS)).aggregate([(name, "sum") for name in (*COUNTS, "revenue")])
    return sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names])


def _filled(rows: pa.Table) -> pa.Table:
    made = {name: pc.fill_null(rows[name], "") for name in WORDS}
    made |= {name: pc.fill_null(rows[name], 0) for name in COUNTS}
    made |= {"minute": rows["minute"], "revenue": pc.fill_null(rows["revenue"], pa.scalar(0, WHOLE))}
    return pa.table(made)


def _beginning(month: int) -> int:
    year, number = divmod(month, 100)
    return int(np.datetime64(f"{year:04}-{number:02}", "ms").astype(np.int64))


def _applied(rows: int, origin: Numbers, records: Sequence[Record]) -> pa.Array:
    last: dict[str, int] = {}
    for number in np.unique(origin):
        record = records[int(number)]
        last[mark(record)] = max(last.get(mark(record), 0), record.place.number)
    return pa.array([list(last.items()), *([[]] * (rows - 1))], APPLIED)


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
