"""What became of a raw record, by site and minute of receipt: the entries that go into the header `ledger`."""

from collections.abc import Iterable, Sequence

from msgspec import json

from pulse.ledger import MAX_HEADER_BYTES, Entry, header_of
from pulse.minute import MINUTE_MS
from pulse.rejection import Refused
from pulse.topics import DAY_MS
from streams.record import cut

Counts = dict[tuple[str, int], int]
"""How many for each site and minute, the minutes counted since the epoch."""

_encoder = json.Encoder()


def entries(received: Counts, kept: Counts, refusals: Iterable[Refused], timestamp: int) -> list[Entry]:
    """The entries of a raw record: its events, those of them that are no duplicates, and its refused lines.

    A refused line that names no moment, or one well after its record was written, was received when it was written.
    """
    rejected = _refused(refusals, timestamp)
    return [
        Entry(
            site_id=cell[0],
            minute=cell[1] * MINUTE_MS,
            received=received.get(cell, 0) + rejected.get(cell, 0),
            kept=kept.get(cell, 0),
            duplicates=received.get(cell, 0) - kept.get(cell, 0),
            rejected=rejected.get(cell, 0),
        )
        for cell in dict.fromkeys((*received, *rejected))
    ]


def _refused(refusals: Iterable[Refused], timestamp: int) -> Counts:
    found: Counts = {}
    for refusal in refusals:
        is_told = 0 < refusal.received_at <= timestamp + DAY_MS
        cell = refusal.site_id, max(refusal.received_at if is_told else timestamp, 0) // MINUTE_MS
        found[cell] = found.get(cell, 0) + 1
    return found


def headers(some: Sequence[Entry], most: int = MAX_HEADER_BYTES) -> list[bytes]:
    """Entries as the values of headers, each of at most `most` bytes or of one entry."""
    whole = _encoder.encode_lines(some)
    if len(whole) <= most:
        return [whole] if whole else []
    return cut(map(_encoder.encode, some), most)


def is_last(own: Iterable[tuple[str, bytes | None]] | None) -> bool:
    """Whether a record's headers tell that it is the last part of an output: it has the ledger, and that is not one that goes on."""
    return 0 < len(header_of(own) or b"") <= MAX_HEADER_BYTES // 2


def accounted(values: Sequence[bytes], ledgers: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """The values of a raw record's output, each with its ledger: the last has it, or those without events after it."""
    if len(values) == len(ledgers) == 1:
        return [(values[0], ledgers[0])]
    room = [*values, *[b""] * (len(ledgers) - min(len(values), 1))]
    return list(zip(room, [*[b""] * (len(room) - len(ledgers)), *ledgers], strict=True))
