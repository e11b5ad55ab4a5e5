"""Things that were seen, as words, and many of them in few bytes.

A word is of what sort a thing is, which one, and the minute in which it was last seen: 55 bits. Few words stand together as they are. Of
many the newest minute stands in front, and each is kept in 40 bits: of its minute those that tell it from others of the last 34 hours.
"""

from array import array
from collections.abc import Iterable, Sequence

WHICH_BITS, MINUTE_BITS, SHORT_BITS = 26, 26, 11
WHICH, MINUTE, SHORT = (1 << WHICH_BITS) - 1, (1 << MINUTE_BITS) - 1, (1 << SHORT_BITS) - 1
SORT_SHIFT = WHICH_BITS + MINUTE_BITS
WIDE, HEAD, EACH = 8, 4, 5
"""Bytes of a word among few; of the newest minute of many, and of each of these."""
FEW_BYTES = 12 * WIDE
"""Of so many at most; no number of short words takes as many bytes as some number of these do."""


def word(sort: int, which: int, minute: int) -> int:
    """A thing seen, as a word."""
    return sort << SORT_SHIFT | (which & WHICH) << MINUTE_BITS | minute


def packed(words: Sequence[int]) -> bytes:
    """Words in ascending order, the oldest of which is less than 2,048 minutes older than the newest."""
    if WIDE * len(words) <= FEW_BYTES:
        return array("Q", words).tobytes()
    newest = max([one & MINUTE for one in words])
    wide = array("Q", [_short(one) for one in words]).tobytes()
    return newest.to_bytes(HEAD, "little") + b"".join([wide[byte::WIDE] for byte in range(EACH)])


def unpacked(state: bytes) -> Sequence[int]:
    """The words, in ascending order."""
    if is_few(state):
        return array("Q", state)
    newest = _newest(state)
    return [one >> SHORT_BITS << MINUTE_BITS | newest - ((newest - one) & SHORT) for one in _shorts(state)]


def holds(state: bytes, words: Iterable[int]) -> bool:
    """Whether all of some words are there."""
    if is_few(state):
        held: Sequence[int] = array("Q", state)
        return all(one in held for one in words)
    newest, held = _newest(state), _shorts(state)
    return all(0 <= newest - (one & MINUTE) <= SHORT and _short(one) in held for one in words)


def number_of(state: bytes) -> int:
    """How many words there are."""
    return len(state) // WIDE if is_few(state) else len(state) // EACH


def is_few(state: bytes) -> bool:
    """Whether its words stand as they are."""
    return len(state) <= FEW_BYTES and not len(state) % WIDE


def _short(one: int) -> int:
    return one >> MINUTE_BITS << SHORT_BITS | one & SHORT


def _newest(state: bytes) -> int:
    return int.from_bytes(state[:HEAD], "little")


def _shorts(state: bytes) -> "array[int]":
    """The words as they are kept: byte by byte of all of them, the lowest first."""
    count = len(state) // EACH
    wide = bytearray(WIDE * count)
    for byte in range(EACH):
        wide[byte::WIDE] = state[HEAD + byte * count : HEAD + (byte + 1) * count]
    return array("Q", bytes(wide))
