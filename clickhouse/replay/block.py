"""Records as rows of a replay: as the sink would store them, and what the store would not take."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from clickhouse.replay.shadow import Shadow
from clickhouse.sink import poison, refusals
from clickhouse.sink.events import EVENTS
from clickhouse.sink.kind import wrong
from clickhouse.sink.lines import Bad, Numbers, Parsed, parse
from clickhouse.sink.record import Record, lines_of
from clickhouse.sink.refused import REJECTED
from pulse.errors import QueryError


def put_events(shadow: Shadow, records: Sequence[Record]) -> None:
    """Put refined events into the table `made`, and those that the store will not have into `refused`."""
    parsed = parse(records, EVENTS.schema)
    bad = list(parsed.bad)
    faults = wrong(parsed.rows, EVENTS.checks)
    good = np.setdiff1d(np.arange(len(parsed.origin)), list(faults))
    try:
        if len(good):
            shadow.insert("made", _made(parsed, records, good))
    except QueryError as error:
        if not poison.is_refusal(error):
            raise
        table = shadow.tables["made"]
        found = poison.refused_rows(shadow.client, table, len(good), lambda some: _made(parsed, records, good[some]))
        faults |= {int(good[number]): why for number, why in found.items()}
        good = np.setdiff1d(good, list(faults))
        if len(good):
            shadow.insert("made", _made(parsed, records, good))
    bad += [_bad(parsed, records, number, why) for number, why in faults.items()]
    if bad:
        shadow.insert("refused", refusals.rows_of(EVENTS.table, bad))


def put_refused(shadow: Shadow, records: Sequence[Record]) -> None:
    """Put lines that refinement refused into the table `refused`."""
    parsed = parse(records, REJECTED.schema)
    if len(parsed.origin):
        shadow.insert("refused", REJECTED.columns(parsed.rows, parsed.origin, records))


def _made(parsed: Parsed, records: Sequence[Record], numbers: Numbers) -> pa.Table:
    return EVENTS.columns(parsed.rows.take(numbers), parsed.origin[numbers], records)


def _bad(parsed: Parsed, records: Sequence[Record], number: int, why: str) -> Bad:
    record = records[int(parsed.origin[number])]
    return Bad(record, lines_of(record.value)[int(parsed.line[number])], why)
