"""What is remembered of an event: a digest of its site and id, which ClickHouse computes alike."""

from collections.abc import Iterable

from xxhash import xxh3_128_digest

from pulse.event import RefinedEvent


def digest(site_id: str, event_id: str) -> bytes:
    """What is remembered of an event: 16 bytes of its site and id."""
    return xxh3_128_digest(f"{site_id}\0{event_id}".encode())


def digests(events: Iterable[RefinedEvent]) -> list[bytes]:
    """What is remembered of refined events, in their order."""
    return [xxh3_128_digest(f"{e.site_id}\0{e.event_id}".encode()) for e in events]
