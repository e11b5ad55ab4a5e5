"""What is taken from the log: events and notices, each with its place."""

from typing import NamedTuple

from api.live.event import Shown
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
    """A record of the log and what it holds; `after` is the place of the next record."""

    where: Where
    offset: int
    after: Mark
    items: tuple[Item, ...]
