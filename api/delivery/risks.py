"""Sessions of a high risk: who is to be told of them, each once, as soon as what shows it is stored."""

import time
from collections.abc import Callable
from logging import getLogger

from api.control.dispatch import Dispatch, Heard
from api.control.risktold import RisksTold
from api.delivery import meters
from clickhouse.client import Client
from clickhouse.reports.suspects import suspects
from pulse.errors import Conflict, PulseError
from pulse.risk.notice import notice_of

OVERLAP_MS = 900_000
"""Events are not stored in the order in which they were received: so far back it is looked again. What was told is known by its id."""
AT_MOST = 300
"""Sessions of a site that are told of in such a time."""
REST = 10
"""A round is followed by a pause of so many times what it took."""

log = getLogger(__name__)


class Risks:
    """Has sessions of a high risk told. `told` is called when something was; `clock` tells ns since the epoch."""

    def __init__(
        self,
        marks: RisksTold,
        dispatch: Dispatch,
        client: Client,
        told: Callable[[], None] = lambda: None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._marks, self._dispatch, self._client = marks, dispatch, client
        self._told, self._clock = told, clock
        self._due = 0.0

    def tell(self) -> int:
        """Tell of those that are new, of every site; how many deliveries that made. What cannot be told now is told later."""
        if time.monotonic() < self._due:
            return 0
        began = time.monotonic()
        made = sum(self._tried(site, mark) for site, mark in self._marks.wanted())
        self._due = time.monotonic() + REST * (time.monotonic() - began)
        if made:
            self._told()
        return made

    def _tried(self, site: str, mark: int | None) -> int:
        """What goes wrong with one site is no other's harm."""
        now = self._clock() // 1_000_000
        try:
            return self._begin(site, now) if mark is None else self._tell(site, mark, now)
        except PulseError as error:
            log.warning("sessions of a high risk are told later: %s", error, extra={"site": site})
        return 0

    def _begin(self, site: str, now: int) -> int:
        try:
            self._marks.begin(site, now)
        except Conflict:
            log.info("another process has begun with sessions of a high risk", extra={"site": site})
        return 0

    def _tell(self, site: str, mark: int, now: int) -> int:
        """First it is told, then noted that it was: who dies in between tells the same again, which is known by its id."""
        found, left_out, reached = suspects(self._client, site, mark - OVERLAP_MS, AT_MOST)
        last = len(found) - 1
        heard = [
            Heard(notice_of(site, each, left_out if n == last else 0), each.received) for n, each in enumerate(found)
        ]
        made = self._dispatch.write(heard, now) if heard else 0
        self._marks.told(site, min(reached, now))
        meters.RISKS.inc(made)
        return made
