"""What refinement knows of a partition: which ids have been seen, and up to where its output stands in the log."""

from collections.abc import Sequence

from streams.seen import SeenIds


class Memory:
    """The state of one partition.

    `position` is where reading one's own output goes on; `began_inside` says that this output begins
    within the window, so that older ids can be known only from elsewhere.
    """

    def __init__(self, window_ms: int, elsewhere: SeenIds | None = None) -> None:
        self.ids = SeenIds(window_ms)
        self.elsewhere = elsewhere
        self.position: int | None = None
        self.began_inside = False
        self._offset = -1
        self._part = -1
        self._own: list[bytes] = []

    def first_part(self, offset: int) -> int | None:
        """From which part on the output of a raw record is still to be written; None if all that follows is written.

        The last record that was refined may have been written in part. It is refined once more, and so its
        own ids are taken back: an id is no duplicate of itself.
        """
        if offset < self._offset:
            return None
        if offset > self._offset:
            return 0
        self.ids.forget(self._own)
        return self._part + 1

    def delivered(self, first: int, last: int) -> None:
        """One's own records lie from the first to the last offset; reading on need not begin before them."""
        if first == self.position:
            self.position = last + 1

    def expire(self, now: int) -> None:
        """Forget what has left the window; a log whose time runs ahead of `now` makes nothing be forgotten early."""
        reached = min(self.ids.newest, now)
        self.ids.expire(reached)
        if self.elsewhere:
            self.elsewhere.expire(reached)

    def unseen(self, digests: Sequence[bytes]) -> list[bool]:
        """For each digest whether it is neither known nor a repetition within these."""
        met = self.ids.known(digests)
        if self.elsewhere:
            met |= self.elsewhere.known(digests)
        if not met and len(set(digests)) == len(digests):
            return [True] * len(digests)
        fresh = []
        for one in digests:
            fresh.append(one not in met)
            met.add(one)
        return fresh

    def written(self, offset: int, part: int, digests: Sequence[bytes], at: int) -> None:
        """Remember that a part of a raw record's output is, or is to be, in the log, with these ids."""
        self.ids.add(digests, at)
        if offset > self._offset:
            self._offset, self._part, self._own = offset, part, list(digests)
        elif offset == self._offset:
            self._part = max(self._part, part)
            self._own += digests
