"""States of few bytes by key, so many bytes of them and no more: of too many those that were met longest ago are forgotten."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from pulse.risk.packed import KEPT_MINUTES, LARGEST, added, kept

EACH_BYTES = 132
"""What a key, its place in a dictionary and the object of a state take beside the words of this, at most."""
AT_ONCE = 128
"""Of too many a part as small as this is forgotten at a time."""


class Generations:
    """States in two generations: what is met again moves into the younger one, which becomes the older one, or its end, with half of the
    bytes. That is forgotten as a whole once it counts no more, and from its beginning where there are too many: `forgotten` says how
    many that were.
    """

    def __init__(self, most_bytes: Callable[[], int]) -> None:
        self.forgotten = 0
        self.nbytes = 0
        self._young_bytes = 0
        self._most_bytes = most_bytes
        self._young: dict[int, bytes] = {}
        self._old: dict[int, bytes] = {}
        self._since = 0
        self._reached = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    @property
    def room(self) -> int:
        """The bytes that states may take together that none need be forgotten."""
        return max(self._most_bytes() - EACH_BYTES - LARGEST, 0)

    def get(self, key: int) -> bytes:
        """A state; empty where nothing is known."""
        return self._young.get(key) or self._old.get(key, b"")

    def states(self) -> dict[int, bytes]:
        """All states."""
        return self._old | self._young

    def add(self, key: int, words: Sequence[int], minute: int, alone: bytes | None = None) -> None:
        """Note some more words, of a record of a minute; `alone` is the state of these only, where it is known."""
        if minute > self._reached:
            self._reached = minute
            if minute - self._since >= KEPT_MINUTES:
                self.nbytes = self._young_bytes
                self._old = {}
                self._turn()
        self._put(key, added(self.get(key), words, alone))

    def load(self, key: int, words: Iterable[int], minute: int) -> None:
        """Words from before, last met in a minute; as many as may be, of different things. None is too old yet, however they come."""
        self._since = self._reached = max(self._reached, minute)
        state = self.get(key)
        self._put(key, added(state, list(words)) if state else kept(words))

    def _put(self, key: int, state: bytes) -> None:
        before = self._young.get(key)
        if before is state:
            return
        more = _size(state) - (_size(before) if before is not None else 0)
        old = self._old.pop(key, None)
        self._young[key] = state
        self._young_bytes += more
        self.nbytes += more - (_size(old) if old is not None else 0)
        most = self._most_bytes()
        if self._young_bytes > most // 2:
            self._turn()
        if self.nbytes > most:
            self._make_room(most)

    def _make_room(self, most: int) -> None:
        """Forget the first of the older generation."""
        while self.nbytes > most and len(self) > 1:
            if not self._old:
                self._turn()
            gone = list(islice(self._old, max(len(self) // AT_ONCE, 1)))
            self.nbytes -= sum([_size(self._old.pop(key)) for key in gone])
            self.forgotten += len(gone)

    def _turn(self) -> None:
        """The younger generation is the older one's end."""
        if self._old:
            self._old |= self._young
        else:
            self._old = self._young
        self._young, self._young_bytes, self._since = {}, 0, self._reached


def _size(state: bytes) -> int:
    return EACH_BYTES + len(state)
