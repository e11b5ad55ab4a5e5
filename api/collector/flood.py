"""Who floods: visitors and sites that send so much that the rest would wait for them.

Counting each visitor of each request would cost more than the events themselves are worth. So only one event in
`STRIDE` is looked at, which tells who may flood; of these few every event is counted.
"""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from api.collector.decode import Incoming

BURST_S = 5.0
"""So many seconds' worth may come at once: a client that was offline is no flood."""
STRIDE = 7
"""A prime, so that what is sent in turns does not keep step with it."""
EPOCH_S, SHORTEST_S = 1.0, 0.1
"""How long is looked before it is told who may flood; less, where very many visitors are seen."""
SUSPICIOUS = 0.5
"""Who seems to send more than this part of the limit is counted exactly."""
MOST_LOOKED_AT = 20_000
MOST_COUNTED = 5_000
MOST_SITES = 5_000

Visitors = AbstractSet[str]

NOBODY: Visitors = frozenset()


def own_of(event: Incoming) -> str:
    """By what an event's visitor is told from others, empty if by nothing."""
    return event.visitor_id or event.user_id or event.session_id or ""


class Bucket:
    """Runs over where more comes than drains at `rate` a second, and is over until it has run dry. Times in seconds."""

    __slots__ = ("_at", "_level", "is_over")

    def __init__(self, now: float) -> None:
        self._at = now
        self._level = 0.0
        self.is_over = False

    def add(self, events: int, rate: float, now: float) -> bool:
        """Whether it is over after so many more events."""
        left = max(self._level - max(now - self._at, 0.0) * rate, 0.0)
        burst = rate * BURST_S
        self.is_over = left + events > burst or (self.is_over and left > 0)
        self._level, self._at = min(left + events, 2 * burst), now
        return self.is_over

    def is_dry(self, rate: float, now: float) -> bool:
        """Whether all has drained."""
        return self._level <= (now - self._at) * rate


class Floods:
    """Tells floods by what was sent before; at `visitor_rate` and `site_rate` events a second, 0 for no limit.

    Times are in seconds of a clock that does not go back. What is remembered is bounded.
    """

    def __init__(self, visitor_rate: float, site_rate: float) -> None:
        self._visitor_rate = visitor_rate
        self._site_rate = site_rate
        self._sites: OrderedDict[str, Bucket] = OrderedDict()
        self._looked_at: list[tuple[str, str]] = []
        self._counted: dict[str, dict[str, Bucket]] = {}
        self._count = self._first = self._turn = 0
        self._began = 0.0

    def is_site(self, site_id: str, events: int, now: float) -> bool:
        """Whether a site that sends so many events more floods."""
        if not self._site_rate:
            return False
        bucket = self._sites.get(site_id)
        if bucket is None:
            bucket = self._sites[site_id] = Bucket(now)
            if len(self._sites) > MOST_SITES:
                self._sites.popitem(last=False)
        self._sites.move_to_end(site_id)
        return bucket.add(events, self._site_rate, now)

    def visitors(self, site_id: str, events: Sequence[Incoming], now: float) -> Visitors:
        """Which visitors of a site, who send these events more, flood."""
        if not self._visitor_rate:
            return NOBODY
        if now - self._began >= EPOCH_S or len(self._looked_at) > MOST_LOOKED_AT:
            self._suspect(now)
        seen = events[self._first :: STRIDE]
        self._first = (self._first - len(events)) % STRIDE
        if seen:
            self._looked_at += [(site_id, e.visitor_id or e.user_id or e.session_id or "") for e in seen]
        counted = self._counted.get(site_id)
        return self._over(counted, events, now) if counted else NOBODY

    def _over(self, counted: dict[str, Bucket], events: Sequence[Incoming], now: float) -> Visitors:
        sent = Counter(
            [own for e in events if (own := e.visitor_id or e.user_id or e.session_id or "") in counted],
        )
        over = {own for own, count in sent.items() if counted[own].add(count, self._visitor_rate, now)}
        return over or NOBODY

    def _suspect(self, now: float) -> None:
        """End an epoch: count exactly who may flood, and no longer who does not."""
        least = self._visitor_rate * SUSPICIOUS * max(now - self._began, SHORTEST_S) / STRIDE
        self._forget(now)
        for (site_id, own), seen in Counter(self._looked_at).items():
            if seen >= least and own and self._count < MOST_COUNTED:
                counted = self._counted.setdefault(site_id, {})
                self._count += own not in counted
                counted.setdefault(own, Bucket(now))
        self._looked_at.clear()
        self._began = now
        self._turn = (self._turn + 1) % STRIDE
        self._first = self._turn

    def _forget(self, now: float) -> None:
        for site_id, counted in list(self._counted.items()):
            for own in [own for own, bucket in counted.items() if bucket.is_dry(self._visitor_rate, now)]:
                del counted[own]
                self._count -= 1
            if not counted:
                del self._counted[site_id]
