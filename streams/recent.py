"""The latest ids exactly: those of which the store may not know yet, and some more."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.bloom import Flags, Hashes

Digests = npt.NDArray[np.uint64]
"""Two words of each digest."""

DIGEST_BYTES = 16


def array_of(digests: Iterable[bytes]) -> Digests:
    """Digests as an array of two words each."""
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64).reshape(-1, 2)


class Layer(NamedTuple):
    """Digests in ascending order; all lie before the offset `end` of `pulse.events`, none was seen after `last`."""

    high: Hashes
    low: Hashes
    end: int
    last: int


class Recent:
    """Digests in layers, the oldest first; 16 bytes each."""

    def __init__(self) -> None:
        self._layers: deque[Layer] = deque()

    def __len__(self) -> int:
        return sum(len(layer.high) for layer in self._layers)

    def add(self, digests: Digests, end: int, at: int) -> Hashes:
        """Hold these; returns their first words in ascending order."""
        order = np.argsort(digests[:, 0])
        layer = Layer(digests[order, 0], digests[order, 1], end, at)
        self._layers.append(layer)
        return layer.high

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
            left -= len(self._layers.popleft().high)

    def expire(self, horizon: int) -> None:
        """Forget what was seen before a moment, in ms since the epoch."""
        while self._layers and self._layers[0].last < horizon:
            self._layers.popleft()
