"""The header `ledger` of `pulse.events` → `ledger_minute`: entries summed, with the places that are applied."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from clickhouse.sink import meters
from clickhouse.sink.kind import Kind, is_missing, is_outside, source
from clickhouse.sink.lines import Numbers
from clickhouse.sink.record import Record
from clickhouse.sink.sums import below_applied, places, summed
from pulse import topics
from pulse.event import MAX_MS

COUNTS = ("received", "kept", "duplicates", "rejected", "unstorable")
MOST = 1 << 32

SCHEMA = pa.schema([("site_id", pa.string()), *((name, pa.int64()) for name in ("minute", *COUNTS))])


def columns(rows: pa.Table, origin: Numbers, records: Sequence[Record]) -> pa.Table:
    """The columns of `ledger_minute`; `_began` tells the first place of a block, so that the table's tells its own.

    All rows lie in one month.
    """
    whole = _filled(below_applied(summed(_filled(rows), ("site_id", "minute"), COUNTS)))
    made = {"site_id": whole["site_id"].dictionary_encode()}
    made["minute"] = whole["minute"].cast(pa.timestamp("ms", "UTC")).cast(pa.timestamp("s", "UTC"))
    made |= {name: whole[name].cast(pa.uint64()) for name in COUNTS}
    made["_applied"] = places(len(whole), origin, records, source, max)
    made["_began"] = places(len(whole), origin, records, source, min)
    return pa.table(made)


def _filled(rows: pa.Table) -> pa.Table:
    made = {"site_id": pc.fill_null(rows["site_id"], ""), "minute": rows["minute"]}
    return pa.table(made | {name: pc.fill_null(rows[name], 0) for name in COUNTS})


def measure(rows: pa.Table) -> None:
    """Count entries that were stored."""
    for name in COUNTS:
        meters.LEDGER.labels(name).inc(pc.sum(pc.fill_null(rows[name], 0)).as_py() or 0)


LEDGER = Kind(
    topic=topics.EVENTS,
    table="ledger_minute",
    mark=source,
    schema=SCHEMA,
    checks=(
        is_missing("minute", "received"),
        is_outside("minute", 0, MAX_MS),
        *(is_outside(name, 0, MOST) for name in COUNTS),
    ),
    month="minute",
    columns=columns,
)
