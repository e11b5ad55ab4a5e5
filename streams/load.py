"""Filling the filters of older ids from the store: one streaming question, whose answer never becomes objects."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from clickhouse.client import Client
from pulse.errors import QueryError, Unavailable
from streams.older import PARTS, Older

HERE = Path(__file__).parent
ANYTHING = (1 << 64) - 1

_ROW = np.dtype([("part", "u1"), ("id", "<u8")])


class Wanted(NamedTuple):
    """Which stored ids: those of one partition of a log, or those of all logs but some where `partition` is None.

    `places` are those at which the parts of the window begin, as far as the log knows; those before `first` or from
    `end` on are left out, and so is what was received before `since`. `moments` begin the parts, and one ends the last.
    """

    logs: Sequence[str]
    partition: int | None
    moments: list[int]
    places: list[int]
    first: int = 0
    end: int = ANYTHING
    since: int = 0

    def parameters(self) -> dict[str, object]:
        """What the questions are asked with."""
        numbers = {place: number for number, place in enumerate(self.places)}  # the last of several that begin alike
        return {
            "logs": list(self.logs),
            "own": self.partition is not None,
            "partition": self.partition or 0,
            "moments": self.moments[:-1],
            "places": list(numbers) or [0],
            "numbers": list(numbers.values()) or [0],
            "first": self.first,
            "end": self.end,
            "since": self.since,
        }


def moments_of(since_ms: int, window_ms: int) -> list[int]:
    """The moments at which the parts of a window begin, and the one at which the last ends."""
    return [since_ms + window_ms * number // PARTS for number in range(PARTS + 1)]


def load(client: Client, older: Older, wanted: Wanted) -> int:
    """Fill filters with what is stored; returns how many ids that were. Raises Unavailable."""
    parameters = wanted.parameters()
    try:
        counts = [(int(part), int(ids)) for part, ids in client.query(HERE / "stored_ids_counted.sql", parameters).rows]
        moments = wanted.moments
        filters = older.reserve([(ids, moments[part], moments[part + 1]) for part, ids in counts])
        by_part = {part: made for (part, _), made in zip(counts, filters, strict=True)}
        read = 0
        for piece in client.stream(HERE / "stored_ids.sql", parameters, _ROW.itemsize):
            rows = np.frombuffer(piece, _ROW)
            read += len(rows)
            for part, made in by_part.items():
                made.add(np.sort(rows["id"][rows["part"] == part]))
    except QueryError as error:
        raise Unavailable(f"ClickHouse does not say which ids it holds: {error}") from None
    if read < sum(ids for _, ids in counts):
        raise Unavailable("ClickHouse told of fewer ids than it holds")
    return read
