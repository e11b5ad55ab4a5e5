"""The conservation ledger: of each record of the raw log, what was received of it and what became of that.

Refinement writes its entries into a header of what it makes of the record, so that they are in the log with the
events or not at all; the sink adds them up in `ledger_minute`.
"""

from collections.abc import Iterable

from msgspec import Struct

HEADER = "ledger"
MAX_HEADER_BYTES = 60_000
"""What the ledger may add to a record of the greatest size; longer ones go on in records of their own."""


class Entry(Struct, kw_only=True, omit_defaults=True, gc=False):
    """One line of the header: events of a site and a minute of receipt (its beginning, ms since the epoch).

    `received` is `kept` + `duplicates` + `rejected`; a line that names no site stands under the empty one.
    How many of those kept the store could not take is added by the sink.
    """

    site_id: str = ""
    minute: int
    received: int
    kept: int = 0
    duplicates: int = 0
    rejected: int = 0
    unstorable: int = 0


def header_of(headers: Iterable[tuple[str, bytes | None]] | None) -> bytes | None:
    """The ledger among a record's headers, empty where another part of the output has it; None where there is none."""
    for name, value in headers or ():
        if name == HEADER:
            return value or b""
    return None
