"""How much clients that catch up may be sent before they are waited for: bounded over all of them, however many come at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.live.parting import MOST_BYTES

ROOM_BYTES = 64 * 1024 * 1024
SHARES = 64
"""A client is given so small a part of what is left, and an event at least: those that take nothing leave the others some."""


class Backlog:
    """The bytes that clients were sent of what they missed, and have not taken yet."""

    def __init__(self) -> None:
        self.held = 0

    def share(self) -> int:
        """Bytes that one more client may be sent."""
        return min(MOST_BYTES, max(ROOM_BYTES - self.held, 0) // SHARES)

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """So many bytes are not taken yet."""
        self.held += size
        try:
            yield
        finally:
            self.held -= size
