"""Who watches what: messages are made once for each audience and put into each of its clients.

Belongs to one event loop; nothing here waits, so whatever is done is done at one point of the log.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from api.live import meters
from api.live.backlog import Backlog
from api.live.client import Audience, Client
from api.live.counting import Counting
from api.live.item import Item, Read
from api.live.message import Message, gap, message
from api.live.parting import messages
from api.live.position import Mark, Position, Where, id_of
from api.live.record import items
from api.live.ring import Ring
from api.live.turns import Turn, Turns
from api.live.want import Kind

JUMPED = "the log has lost it before it was read"


class Hub:
    """The clients, and the log up to where they have been sent it.

    `position` is up to where everything has been read, `sent` up to where it has been sent; `jumps` is how often the log
    had lost something before it was read.
    """

    def __init__(self, log: str, ring: Ring, most_visitors: int) -> None:
        self.log = log
        self.ring = ring
        self.position: dict[Where, Mark] = dict(ring.begin)
        self.sent: Position = dict(self.position)
        self.jumps = 0
        self.backlog = Backlog()
        self.counting = Counting(most_visitors)
        self._audiences: dict[Audience, set[Client]] = {}
        self._sites: dict[str, set[Audience]] = {}
        self._turns = Turns()
        self._waiting: defaultdict[str, list[Item]] = defaultdict(list)

    def take(self, records: Sequence[Read], now: int) -> None:
        """Note records that were read; they are sent by the next `flush`."""
        for record in records:
            self.ring.add(record)
            self.position[record.where] = record.after
            self.counting.take(record.counted, now)
            for site in self._sites.keys() & record.among:
                self._waiting[site].extend(items(record, site))

    def flush(self) -> None:
        """Send what was read since the last time."""
        before, self.sent = self.sent, dict(self.position)
        waiting, self._waiting = self._waiting, defaultdict(list)
        for site, new in waiting.items():
            for audience in tuple(self._sites.get(site, ())):
                for each in messages(self.log, audience, new, before, self.sent):
                    self._send(audience, each)

    def extend(self, begins: Mapping[Where, int]) -> None:
        """The log has more partitions, which are read from these offsets on."""
        for where, offset in begins.items():
            self.ring.extend(where, offset)
            self.position[where] = Mark(offset)
        self.sent = {**self.sent, **{where: Mark(offset) for where, offset in begins.items()}}

    def jump(self, where: Where, offset: int) -> None:
        """The log has lost what lay before an offset of a partition and was not read: all are told, who come back later too."""
        self.flush()
        self.jumps += 1
        self.ring.cut(where, offset)
        meters.GAPS.inc(sum(map(len, self._audiences.values())))
        for audience in tuple(self._audiences):
            self._send(audience, gap(JUMPED))

    def tick(self, number: int, now: int) -> None:
        """A second is over for those whose turn it is; `now` in ms."""
        turn = self._turns[number]
        is_tenth = turn.is_tenth(now)
        for site, audiences in turn.sites():
            if is_tenth and any("aggregate" in each.shows for each in audiences):
                self._tell(turn, audiences, message("aggregate", **self.counting.aggregate(site, now)), "aggregate")
            if any("counters" in each.shows for each in audiences):
                since = turn.since.get(site, (0, 0))
                self._tell(turn, audiences, message("counters", **self.counting.second(site, now, since)), "counters")
            if site in turn.since:
                turn.since[site] = self.counting.total(site)
        self.counting.sweep(now)

    def join(self, client: Client, audience: Audience) -> None:
        """Have a client sent what comes after `sent`."""
        client.audience = audience
        if audience.site not in self._sites:
            self._waiting[audience.site] = list(self.ring.since(audience.site, self.sent))
        self._audiences.setdefault(audience, set()).add(client)
        self._sites.setdefault(audience.site, set()).add(audience)
        self._turns.join(client, audience, self.counting.total(audience.site))

    def leave(self, client: Client) -> None:
        """Send a client nothing more; one that is not among its clients, as it joined the hub before, is passed over."""
        audience, client.audience = client.audience, None
        clients = self._audiences.get(audience) if audience is not None else None
        if audience is None or clients is None or client not in clients:
            return
        clients.discard(client)
        self._turns.leave(client, audience)
        if not clients:
            del self._audiences[audience]
            self._sites[audience.site].discard(audience)
            if not self._sites[audience.site]:
                del self._sites[audience.site]

    def current_id(self) -> str:
        """The id of what has been sent."""
        return id_of(self.log, self.sent)

    def _tell(self, turn: Turn, audiences: Sequence[Audience], what: Message, kind: Kind) -> None:
        for audience in audiences:
            if kind in audience.shows:
                _put(turn.clients.get(audience, ()), what)

    def _send(self, audience: Audience, what: Message) -> None:
        _put(self._audiences.get(audience, ()), what)


def _put(some: Iterable[Client], what: Message) -> None:
    """Put a message into each client; one that is too slow leaves meanwhile, and its audience may with it."""
    clients = tuple(some)
    meters.SENT.labels(what.kind).inc(len(clients))
    for client in clients:
        client.put(what)
