"""Rows of sums: those of a block added up by their keys, with the places that are thereby applied."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from clickhouse.sink.kind import months
from clickhouse.sink.lines import Numbers
from clickhouse.sink.record import Record

PLACES = pa.map_(pa.string(), pa.uint64())


def summed(rows: pa.Table, keys: Sequence[str], counts: Sequence[str]) -> pa.Table:
    """A row for each key."""
    sums = rows.group_by(list(keys)).aggregate([(name, "sum") for name in counts])
    return sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names])


def below_applied(rows: pa.Table) -> pa.Table:
    """Rows of one month, and before them that of the empty site at its beginning, which has the places applied."""
    month = months(rows["minute"][:1].to_numpy())[0]
    first = pa.Table.from_pylist([{"site_id": "", "minute": _beginning(int(month))}], rows.schema)
    return pa.concat_tables([first, rows]).combine_chunks()


def _beginning(month: int) -> int:
    year, number = divmod(month, 100)
    return int(np.datetime64(f"{year:04}-{number:02}", "ms").astype(np.int64))


def places(
    rows: int, origin: Numbers, records: Sequence[Record], mark: Callable[[Record], str], choose: Callable[..., int]
) -> pa.Array:
    """The column whose first row tells the chosen (first, last) place of each mark in a block, and whose others are empty."""
    chosen: dict[str, int] = {}
    for number in np.unique(origin):
        record = records[int(number)]
        place = record.place.number
        chosen[mark(record)] = choose(chosen.get(mark(record), place), place)
    return pa.array([list(chosen.items()), *([[]] * (rows - 1))], PLACES)
