"""A record as the sink takes it from Kafka."""

from typing import NamedTuple

import numpy as np

from pulse.place import Place

LONG = 4096
"""From so many bytes on numpy counts lines faster than Python does."""


class Record(NamedTuple):
    """A record, where it lies in its topic, and which record of the raw log it was made of.

    A record with a `fault` is not to be stored but kept among the refused. `ledger` is its header of that name,
    None where it has none.
    """

    topic: str
    partition: int
    offset: int
    place: Place
    value: bytes
    fault: str = ""
    ledger: bytes | None = None


def lines_in(value: bytes) -> int:
    """How many lines a record has, whether or not the last one ends."""
    if not value:
        return 0
    ends = np.count_nonzero(np.frombuffer(value, np.uint8) == ord("\n")) if len(value) > LONG else value.count(b"\n")
    return int(ends) + (not value.endswith(b"\n"))


def lines_of(value: bytes) -> list[bytes]:
    """The lines of a record, without their ends."""
    return value.removesuffix(b"\n").split(b"\n")
