"""What is taken from the log: records as they came, and what is to be sent of them, each with its place."""

from collections.abc import Sequence
from typing import NamedTuple

from api.live.event import Shown
from api.live.part import Part
from api.live.position import Mark, Where


class Item(NamedTuple):
    """An event or a notice of a site, as JSON; `mark` is its place, `after` that of what comes next. A notice has no `event`."""

    site: str
    where: Where
    mark: Mark
    after: Mark
    text: bytes
    event: Shown | None


class Read(NamedTuple):
    """A record of the log as it came, the site of each of its lines ("" of one that cannot be read), all of them, and what is counted.

    Items are made of it only where somebody watches the site: to make them takes ten times as long as to count.
    """

    where: Where
    offset: int
    value: bytes
    sites: tuple[str, ...]
    among: frozenset[str] = frozenset()
    counted: Sequence[Part] = ()

    @property
    def after(self) -> Mark:
        """The place of the next record."""
        return Mark(self.offset + 1)
