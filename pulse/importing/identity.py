"""Ids that a line of a file keeps for ever, so that reading it again makes the same events."""

from collections import defaultdict
from hashlib import blake2b
from uuid import UUID

from xxhash import xxh3_64_intdigest


def event_id(content: bytes, occurrence: int = 0) -> str:
    """The id of the `occurrence`-th line of this content within its file, as a UUID.

    Neither the file's name nor the line's place is part of it: a file grown, split or read in
    another order gives the same ids, unless it is split between lines that are equal. The site
    is not either, for an id counts within its site.
    """
    digest = blake2b(content, digest_size=16, salt=occurrence.to_bytes(8, "little"), person=b"pulse-line").digest()
    return str(UUID(bytes=digest, version=5))


class Occurrences:
    """Counts how often a content has been met in one file: two equal lines are two events.

    Keeps about 70 bytes for each line.
    """

    def __init__(self) -> None:
        self._met: set[int] = set()
        self._again: defaultdict[int, int] = defaultdict(int)

    def count(self, content: bytes) -> int:
        """How many lines of this content came before this one."""
        key = xxh3_64_intdigest(content)
        if key not in self._met:
            self._met.add(key)
            return 0
        self._again[key] += 1
        return self._again[key]
