"""Items as messages: events together, each notice by itself, in the order of the log, each with its id."""

from collections.abc import Iterable, Iterator, Sequence

from api.live.client import Audience
from api.live.event import again
from api.live.item import Item
from api.live.message import Message
from api.live.position import Position, id_of
from api.live.rule import EVERYTHING
from pulse.topics import ALERTS

MOST_BYTES = 256 * 1024
"""At which a message of events is sent, and another begun."""


def messages(
    log: str, audience: Audience, items: Iterable[Item], before: Position, after: Position
) -> Iterator[Message]:
    """What an audience is sent of the items between two positions; whoever has had the last stands at `after`."""
    parts = list(_parts([item for item in items if wants(audience, item)]))
    position = dict(before)
    for number, part in enumerate(parts, 1):
        position.update((item.where, item.after) for item in part)
        yield _message(part, id_of(log, after if number == len(parts) else position))


def wants(audience: Audience, item: Item) -> bool:
    """Whether an audience is sent an item."""
    if item.where.topic == ALERTS:
        return "alerts" in audience.shows
    if "events" not in audience.shows:
        return False
    return audience.rule == EVERYTHING or audience.rule.fits(item.event or again(item.text))


def _message(part: Sequence[Item], at: str) -> Message:
    texts = b",".join([item.text for item in part])
    if part[0].where.topic == ALERTS:
        return Message("alert", b'"alert":' + texts, at)
    return Message("events", b'"events":[' + texts + b"]", at)


def _parts(items: Sequence[Item]) -> Iterator[list[Item]]:
    part: list[Item] = []
    size = 0
    for item in items:
        is_other = part and (item.where.topic == ALERTS or part[0].where.topic == ALERTS)
        if part and (is_other or size + len(item.text) > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(item)
        size += len(item.text) + 1
    if part:
        yield part
