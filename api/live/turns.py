"""Who is sent counters and aggregates when: not all at once, but in turns, each a twentieth of a second after the one before.

To write to a connection costs some 15 µs: where 10,000 were written to at the end of the same second, the last would wait for
0.15 s, and so would every event meanwhile. The clients of a small audience share a turn, so that its messages are made once.
"""

from collections.abc import Iterator
from itertools import groupby

from api.live.client import Audience, Client

TURNS = 20
SHARE = 250
"""Clients of an audience after which the next turn takes the next ones."""
TENTH_MS = 10_000


def due(last: int, now: float) -> range:
    """The turns that have come since the last one, of those that are late no more than a second's.

    They are numbered from the beginning of a clock that never steps; `now` is its time in seconds.
    """
    current = int(now * TURNS)
    return range(max(last, current - TURNS) + 1, current + 1)


class Turn:
    """The clients that are sent counters at the same moment of each second, and what their sites had until the last time."""

    def __init__(self) -> None:
        self.clients: dict[Audience, set[Client]] = {}
        self.since: dict[str, tuple[int, int]] = {}
        self.size = 0
        self._tenth = 0

    def is_tenth(self, now: int) -> bool:
        """Whether another ten seconds have begun since it was asked last; `now` in ms."""
        before, self._tenth = self._tenth, now // TENTH_MS
        return before != self._tenth

    def sites(self) -> Iterator[tuple[str, list[Audience]]]:
        """The sites that are watched, each with its audiences; whoever leaves meanwhile harms nobody."""
        of_site = sorted(self.clients, key=lambda audience: audience.site)
        for site, audiences in groupby(of_site, key=lambda audience: audience.site):
            yield site, list(audiences)


class Turns:
    """All turns; a client stays in the one that it joined."""

    def __init__(self) -> None:
        self._turns = [Turn() for _ in range(TURNS)]

    def __getitem__(self, number: int) -> Turn:
        return self._turns[number]

    def join(self, client: Client, audience: Audience, total: tuple[int, int]) -> None:
        """Give a client a turn. `total` is what its site had until now."""
        client.turn = min(range(TURNS), key=lambda number: self._order(number, audience))
        turn = self._turns[client.turn]
        turn.clients.setdefault(audience, set()).add(client)
        turn.since.setdefault(audience.site, total)
        turn.size += 1

    def leave(self, client: Client, audience: Audience) -> None:
        """Let a client go that has joined."""
        turn = self._turns[client.turn]
        clients = turn.clients[audience]
        clients.discard(client)
        turn.size -= 1
        if not clients:
            del turn.clients[audience]
            if all(each.site != audience.site for each in turn.clients):
                turn.since.pop(audience.site, None)

    def _order(self, number: int, audience: Audience) -> tuple[bool, int]:
        """First a turn with a share of the audience that is not full, then that with the fewest clients."""
        turn = self._turns[number]
        return len(turn.clients.get(audience, ())) % SHARE == 0, turn.size
