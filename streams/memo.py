"""What was made of something, kept for when it is met again: the hot path asks here several times for each event."""

from collections.abc import Callable, Hashable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(dict[K, V]):
    """What `make` makes of keys; `most` of them are kept, or up to twice as many.

    Those met since are kept when the others are forgotten. Unlike `lru_cache` it notes nothing when a key is met again, which would
    touch memory all over. What is made must not be None.
    """

    def __init__(self, make: Callable[[K], V], most: int) -> None:
        super().__init__()
        self._make = make
        self._most = most
        self._older: dict[K, V] = {}

    def __missing__(self, key: K) -> V:
        value = self._older.pop(key, None)
        if value is None:
            value = self._make(key)
        if len(self) >= self._most:
            self._older = dict(self)
            self.clear()
        self[key] = value
        return value

    def kept(self) -> int:
        """How many are kept."""
        return len(self) + len(self._older)

    def forget(self) -> None:
        """Forget all."""
        self._older.clear()
        self.clear()
