"""A Bloom filter of 64-bit hashes: it never denies what it holds, and seldom claims what it does not.

Blocked: all that is noted of a hash lies within one line of the processor's cache, one bit in each of its eight
words, so that a look costs one miss of the cache. All work is over many hashes at once.
"""

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

WORDS = 8
BLOCK_BITS = 64 * WORDS
FOLDS = 64
"""The number of blocks is a multiple of this, so that it can be halved six times."""
FOLDED_AT_ONCE = 1 << 16

_SALTS = np.array(
    [0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31], np.uint64
)
_LOW = np.uint64(0xFFFFFFFF)
_32, _26, _1 = np.uint64(32), np.uint64(26), np.uint64(1)


def masks_of(hashes: Hashes) -> Hashes:
    """Of each hash the bit that stands for it in each word of its block: eight rows. The same for filters of any size."""
    spread = (hashes & _LOW) * _SALTS[:, None]
    spread &= _LOW
    spread >>= _26
    masks: Hashes = _1 << spread
    return masks


class Bloom:
    """Room for `capacity` hashes at so many bits each; beyond it, it claims more that it does not hold."""

    def __init__(self, capacity: int, bits: int) -> None:
        self.capacity = capacity
        self.count = 0
        most = -(-capacity * bits // (BLOCK_BITS * FOLDS)) or 1
        self._words = np.zeros(most * FOLDS * WORDS, np.uint64)

    @property
    def nbytes(self) -> int:
        """The bytes it takes."""
        return self._words.nbytes

    @property
    def bits_each(self) -> float:
        """Bits for each hash that it is to hold."""
        return self.nbytes * 8 / max(self.capacity, self.count)

    def add(self, hashes: Hashes) -> None:
        """Hold these too. Ascending ones go faster."""
        at = self._begins(hashes)
        for mask in masks_of(hashes):
            np.bitwise_or.at(self._words, at, mask)
            at += 1
        self.count += len(hashes)

    def holds(self, hashes: Hashes, masks: Hashes) -> Flags:
        """Which of some hashes it may hold; `masks` are theirs."""
        at = self._begins(hashes)
        held: Flags = (self._words.take(at) & masks[0]) != 0
        left = np.flatnonzero(held)
        at = at[left]
        for mask in masks[1:]:
            if not len(left):
                break
            at += 1
            kept = (self._words.take(at) & mask[left]) != 0
            held[left[~kept]] = False
            left, at = left[kept], at[kept]
        return held

    @property
    def can_fold(self) -> bool:
        """Whether its blocks are still of an even number."""
        return len(self._words) % (2 * WORDS) == 0

    def fold(self) -> None:
        """Take half the memory, by laying each block over its neighbour; what is held stays held."""
        blocks = self._words.reshape(-1, WORDS)
        half = len(blocks) // 2
        for begin in range(0, half, FOLDED_AT_ONCE):
            end = min(begin + FOLDED_AT_ONCE, half)
            blocks[begin:end] = blocks[2 * begin : 2 * end : 2] | blocks[2 * begin + 1 : 2 * end : 2]
        del blocks
        self._words.resize(half * WORDS, refcheck=False)

    def _begins(self, hashes: Hashes) -> npt.NDArray[np.int64]:
        """Where the block of each begins: the higher half of the hash says so, in proportion."""
        blocks = np.uint64(len(self._words) // WORDS)
        begins = (hashes >> _32) * blocks
        begins >>= _32
        begins *= np.uint64(WORDS)
        return begins.astype(np.int64)
