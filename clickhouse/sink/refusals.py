"""Lines that the store cannot take, as rows of `events_rejected`."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa

from clickhouse.sink.kind import place_columns, source
from clickhouse.sink.lines import Bad
from clickhouse.sink.record import Record
from pulse.event import MAX_MS
from pulse.rejection import Reason

LINE_BYTES = 1_000


def mark(stage: str, record: Record) -> str:
    """The name of the places of what one stage refused."""
    return f"{stage}:{source(record)}"


def rows_of(stage: str, bad: Sequence[Bad]) -> pa.Table:
    """The rows that keep what was refused; what the line itself says of it where it can be read."""
    said = [_said(each.line) for each in bad]
    records = [each.record for each in bad]
    columns = {
        "site_id": pa.array([_text(line.get("site_id")) for line in said]),
        "received_at": pa.array([_ms(line.get("received_at")) for line in said], pa.timestamp("ms", "UTC")),
        "reason": pa.array([str(Reason.unstorable)] * len(bad)),
        "detail": pa.array([each.why for each in bad]),
        "event_id": pa.array([_text(line.get("event_id")) for line in said]),
        "line": pa.array([each.line[:LINE_BYTES].decode(errors="replace") for each in bad]),
        "_stage": pa.array([stage] * len(bad)),
    }
    return pa.table(columns | place_columns(np.arange(len(bad)), records))


def _said(line: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _text(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""


def _ms(value: object) -> int:
    return value if type(value) is int and 0 <= value <= MAX_MS else 0
