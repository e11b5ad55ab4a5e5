"""What a client has missed, part by part: between two of them nothing is held for it but where it stands."""

from api.live.hub import JUMPED, Hub
from api.live.item import Item
from api.live.position import Mark, Position
from api.live.record import FIRST, items

AT_ONCE = 500
"""Items of a part, also where they are small."""


class Missed:
    """What a site has after a position, up to what the hub has sent, which moves."""

    def __init__(self, hub: Hub, site: str, position: Position) -> None:
        begin = hub.ring.begin
        self.position: Position = {where: max(position.get(where, FIRST), mark) for where, mark in begin.items()}
        self._hub = hub
        self._site = site
        self._number = hub.ring.place(self.position) if hub.ring.has(position) else -1
        self._jumps = hub.jumps

    def why(self) -> str:
        """Why something is missing since it was asked last, if it is; then it is gone on with what is there."""
        first, jumps = self._hub.ring.first, self._hub.jumps
        has_left, has_jumped = self._number < first, self._jumps != jumps
        self._number, self._jumps = max(self._number, first), jumps
        return "it has left the buffer" if has_left else JUMPED if has_jumped else ""

    def part(self, most_bytes: int) -> list[Item]:
        """What comes next, which is had with it: nothing at the end, else an item and as many more as there is room for."""
        found: list[Item] = []
        size, sent = 0, self._hub.sent
        for number, record in self._hub.ring.of(self._site, self._number):
            self._number = number
            if Mark(record.offset) >= sent[record.where]:
                break
            for item in items(record, self._site, self.position.get(record.where, FIRST)):
                found.append(item)
                size += len(item.text)
                if size >= most_bytes or len(found) >= AT_ONCE:
                    return self._had(found, {each.where: each.after for each in found})
        else:
            self._number = self._hub.ring.next
        return self._had(found, sent)

    def _had(self, found: list[Item], after: Position) -> list[Item]:
        self.position = {**self.position, **after}
        return found
