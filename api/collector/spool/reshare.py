"""A record made for so many partitions, for a log that has another number of them."""

from msgspec import Struct
from msgspec.json import Decoder

from pulse.topics import partition_of


class Line(Struct):
    """What of an event decides on its partition."""

    site_id: str
    visitor_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    event_id: str | None = None


_decode = Decoder(Line).decode


def reshare(value: bytes, partitions: int) -> dict[int, bytes]:
    """The lines of a record's NDJSON by the partition that each belongs to now, in order, as `split` has it."""
    shares: dict[int, list[bytes]] = {}
    for line in value.splitlines():
        event = _decode(line)
        own = event.visitor_id or event.user_id or event.session_id or event.event_id or ""
        shares.setdefault(partition_of(event.site_id, own, partitions), []).append(line)
    return {partition: b"\n".join([*lines, b""]) for partition, lines in shares.items()}
