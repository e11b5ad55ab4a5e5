"""The latest ids exactly: those of which the store may not know yet, and some more."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.bloom import Flags, Hashes
from streams.older import Part

Digests = npt.NDArray[np.uint64]
"""Two words of each digest."""

DIGEST_BYTES = 16


def array_of(digests: Iterable[bytes]) -> Digests:
    """Digests as an array of two words each."""
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64).reshape(-1, 2)


def ascending(digests: Digests) -> tuple[Hashes, Hashes]:
    """The first words of digests in ascending order, and the second words in the same."""
    order = np.argsort(digests[:, 0])
    return digests[order, 0], digests[order, 1]


class Layer(NamedTuple):
    """Digests in ascending order, also held by a filter.

    All lie before the offset `end` of `pulse.events`, and none was seen after `last`.
    """

    high: Hashes
    low: Hashes
    part: Part
    end: int
    last: int


class Recent:
    """Digests in layers, the oldest first; 16 bytes each."""

    def __init__(self) -> None:
        self._layers: deque[Layer] = deque()

    def __len__(self) -> int:
        return sum(len(layer.high) for layer in self._layers)

    def add(self, layer: Layer) -> None:
        """Hold these too."""
        self._layers.append(layer)

    def holds(self, digests: Digests) -> Flags:
        """Which of some digests are among these."""
        held: Flags = np.zeros(len(digests), np.bool_)
        high, low = digests[:, 0], digests[:, 1]
        for layer in self._layers if len(digests) else ():
            at = np.minimum(np.searchsorted(layer.high, high), len(layer.high) - 1)
            held |= (layer.high[at] == high) & (layer.low[at] == low)
        return held

    def trim(self, stored: int, most: int) -> None:
        """Drop the oldest until at most `most` are left, but only those that lie before the offset `stored`."""
        left = len(self)
        while self._layers and left > most and self._layers[0].end <= stored:
            layer = self._layers.popleft()
            layer.part.is_covered = False
            left -= len(layer.high)

    def expire(self, horizon: int) -> None:
        """Forget what was seen before a moment, in ms since the epoch."""
        while self._layers and self._layers[0].last < horizon:
            self._layers.popleft()
