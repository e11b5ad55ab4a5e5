"""`pulse.events.rejected` → `events_rejected`."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickhouse.sink.kind import Kind, is_missing, is_outside, place_columns, source
from clickhouse.sink.lines import Numbers
from clickhouse.sink.record import Record
from pulse import topics
from pulse.event import MAX_MS

STAGE = "refine"
WORDS = ("site_id", "reason", "field")
TEXTS = ("detail", "event_id", "line")

SCHEMA = pa.schema([*((name, pa.string()) for name in (*WORDS, *TEXTS)), ("received_at", pa.int64())])


def columns(rows: pa.Table, origin: Numbers, records: Sequence[Record]) -> pa.Table:
    """The columns of `events_rejected`."""
    made = {name: rows[name] for name in TEXTS}
    made |= {name: rows[name].dictionary_encode() for name in WORDS}
    made["received_at"] = pc.fill_null(rows["received_at"], 0).cast(pa.timestamp("ms", "UTC"))
    made["_stage"] = pa.array(np.repeat(STAGE, len(rows)), pa.string()).dictionary_encode()
    return pa.table(made | place_columns(origin, records))


REJECTED = Kind(
    topic=topics.REJECTED,
    table="events_rejected",
    mark=lambda record: f"{STAGE}:{source(record)}",
    schema=SCHEMA,
    checks=(is_missing("reason"), is_outside("received_at", 0, MAX_MS)),
    month=None,
    columns=columns,
)
