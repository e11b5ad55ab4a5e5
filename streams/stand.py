"""Up to where the output of one lane stands: which raw record was the last one refined, and what of it was written."""

from collections.abc import Sequence


class Stand:
    """Of one partition of a lane."""

    def __init__(self) -> None:
        self.offset = -1
        self._part = -1
        self._is_whole = False
        self._own: set[bytes] = set()

    def first_part(self, offset: int) -> int | None:
        """From which part on the output of a raw record is still to be written; None if all that follows is written."""
        if offset < self.offset:
            return None
        if offset == self.offset and self._is_whole:
            return None
        return self._part + 1 if offset == self.offset else 0

    def own(self, offset: int) -> set[bytes]:
        """The ids that were written by this very raw record, of which it is no duplicate.

        The last record that was refined may have been written in part: it is refined once more.
        """
        return self._own if offset == self.offset else set()

    def written(self, offset: int, part: int, digests: Sequence[bytes], is_last: bool = False) -> None:
        """A part of a raw record's output is, or is to be, in the log, with these ids; `is_last` where no other follows it.

        What is whole is not refined again: where what is known of networks has changed meanwhile it would be cut otherwise.
        """
        if offset > self.offset:
            self.offset, self._part, self._own, self._is_whole = offset, part, set(digests), is_last
        elif offset == self.offset:
            self._part = max(self._part, part)
            self._own.update(digests)
            self._is_whole = self._is_whole or is_last
