"""The requests of a load in their order: new ones, those sent again, and those to be tried again."""

import heapq
from array import array
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import NamedTuple

from bench.load.bodies import EVENTS_A_TEXT, Bodies, Body
from bench.load.profile import Load
from bench.load.wire import head

RECENT = 16
AHEAD_S = 0.02
"""So long ahead of its sending is a body made, at most."""


class Request(NamedTuple):
    """A request under way: its number, all its bytes, when it was to be sent, and whether it had been sent before."""

    number: int
    content: bytes
    due: float
    again: bool = False


class Requests:
    """What is to be sent next. `sites` is the site of each request by its number."""

    def __init__(self, load: Load, now_ms: Callable[[], int]) -> None:
        profile = load.profile
        at_once = EVENTS_A_TEXT if load.rate is None else int(load.rate * AHEAD_S) * profile.size
        self._bodies = Bodies(profile, load.stream, now_ms, max(min(at_once, EVENTS_A_TEXT), 1))
        self._profile = profile
        self._keys = load.keys
        self._random = Random(f"{profile.seed}:requests")
        self._made: deque[Body] = deque()
        self._recent: deque[Request] = deque(maxlen=RECENT)
        self._failed: list[tuple[float, Request]] = []
        self._head = lru_cache(65_536)(head)
        self.sites = array("H")

    def next(self, due: float) -> Request:
        """The next request, one in so many a recent one as it was."""
        if self._recent and self._random.random() < self._profile.duplicate_ratio:
            return self._random.choice(self._recent)._replace(due=due, again=True)
        if not self._made:
            self._made.extend(self._bodies.next())
        number, content = self._made.popleft()
        site = self._site()
        self.sites.append(site)
        request = Request(number, self._head(self._keys[site], len(content)) + content, due)
        if self._profile.duplicate_ratio:
            self._recent.append(request)
        return request

    def fail(self, request: Request, until: float) -> None:
        """Keep a request to be tried again at a time."""
        heapq.heappush(self._failed, (until, request))

    def failed(self, now: float) -> Request | None:
        """A request whose time to be tried again has come."""
        return heapq.heappop(self._failed)[1] if self._failed and self._failed[0][0] <= now else None

    @property
    def has_failed(self) -> bool:
        """Whether some are still to be tried again."""
        return bool(self._failed)

    def _site(self) -> int:
        many = len(self._keys)
        if many == 1:
            return 0
        if not self._profile.hot_ratio:
            return self._random.randrange(many)
        is_hot = self._random.random() < self._profile.hot_ratio
        return 0 if is_hot else 1 + self._random.randrange(many - 1)
