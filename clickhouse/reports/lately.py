"""What was found lately, by which a question is asked so that it is likely right at once; whoever does so sees to it that a wrong one is noticed."""

import time
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

MOST = 1_000

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


class Lately(Generic[Key, Found]):
    """Remembers things for some seconds, a thousand at most. May be shared by threads."""

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._lock = Lock()
        self._found: OrderedDict[Key, tuple[Found, float]] = OrderedDict()

    def of(self, key: Key) -> Found | None:
        """What was found, None where nothing is remembered."""
        found = self._found.get(key)
        return None if found is None or time.monotonic() >= found[1] else found[0]

    def note(self, key: Key, found: Found | None) -> None:
        """Remember something in place of what was; nothing if None."""
        with self._lock:
            self._found.pop(key, None)
            if found is not None:
                self._found[key] = (found, time.monotonic() + self._kept_s)
            if len(self._found) > MOST:
                self._found.popitem(last=False)
