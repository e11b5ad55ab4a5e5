"""Where a record came from: the mark by which every stage tells what it has already applied.

Refinement makes each of its output records from one record of the raw log, so the place of that raw
record, and which part of the output this is, name the output for ever. Places grow along a
partition; a place that is not beyond the last one applied is a repetition and changes nothing.
"""

from dataclasses import dataclass

from pulse.errors import PlaceError

HEADER = "place"
PART_BITS = 10
MAX_PARTITION = (1 << 16) - 1
MAX_OFFSET = (1 << 53 - PART_BITS) - 1
"""So that a place's number is exact wherever it is kept, be it as a float."""


@dataclass(frozen=True)
class Place:
    """A record of the raw log (`log` is the raw topic's id) and the part of what was made of it."""

    log: str
    partition: int
    offset: int
    part: int = 0

    @property
    def number(self) -> int:
        """The place along its partition as one growing number."""
        return self.offset << PART_BITS | self.part

    def encode(self) -> bytes:
        """The place as a record header."""
        return f"{self.log}:{self.partition}:{self.offset}:{self.part}".encode()


def place_at(log: str, partition: int, number: int) -> Place:
    """The place that has a number along its partition."""
    return Place(log, partition, number >> PART_BITS, number & (1 << PART_BITS) - 1)


def decode(header: bytes) -> Place:
    """The place that `Place.encode` wrote; raises PlaceError for anything else."""
    try:
        log, partition, offset, part = header.decode().rsplit(":", 3)
        place = Place(log, int(partition), int(offset), int(part))
    except ValueError as error:
        raise PlaceError(f"not a place: {header[:80]!r}") from error
    if 0 <= place.partition <= MAX_PARTITION and 0 <= place.offset <= MAX_OFFSET and 0 <= place.part < 1 << PART_BITS:
        return place
    raise PlaceError(f"no place that there can be: {header[:80]!r}")


def place_of(headers: list[tuple[str, bytes | None]] | None) -> Place:
    """The place among a record's headers; raises PlaceError where there is none."""
    for name, value in headers or ():
        if name == HEADER and value is not None:
            return decode(value)
    raise PlaceError("the record has no place header")
