"""Sessions of a high risk: who is to be told of them, each once, as soon as what shows it is stored."""

import time
from collections.abc import Callable
from logging import getLogger

from api.control.dispatch import Dispatch, Heard
from api.control.risktold import RisksTold, Wanted
from api.delivery import meters
from clickhouse.client import Client
from clickhouse.reports.suspects import QUARTER_MS, Found, suspects
from pulse.errors import Conflict, PulseError
from pulse.risk.notice import notice_of

AT_MOST = 300
"""Sessions of a site that are told of in a quarter of an hour, by when they were received."""
SETTLED_MS = 60_000
"""So long after its end a quarter of an hour counts as stored: how many sessions were left out is told then."""
REST = 10
"""What a site took is followed by a pause of so many times that: one that takes long holds up no other."""

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
        self._due: dict[str, float] = {}

    def tell(self) -> int:
        """Tell of those that are new, of every site; how many deliveries that made. What cannot be told now is told later."""
        wanted = self._marks.wanted()
        self._due = {each.site: self._due[each.site] for each in wanted if each.site in self._due}
        made = sum(self._tried(each) for each in wanted if time.monotonic() >= self._due.get(each.site, 0))
        if made:
            self._told()
        return made

    def _tried(self, wanted: Wanted) -> int:
        """What goes wrong with one site is no other's harm."""
        site, began = wanted.site, time.monotonic()
        now = self._clock() // 1_000_000
        try:
            return self._begin(site, now) if wanted.told is None else self._tell(site, wanted.told, wanted.began, now)
        except PulseError as error:
            log.warning("sessions of a high risk are told later: %s", error, extra={"site": site})
        except Exception:
            log.exception("sessions of a high risk are told later", extra={"site": site})
        finally:
            self._due[site] = time.monotonic() + REST * (time.monotonic() - began)
        return 0

    def _begin(self, site: str, now: int) -> int:
        try:
            self._marks.begin(site, now)
        except Conflict:
            log.info("another process has begun with sessions of a high risk", extra={"site": site})
        return 0

    def _tell(self, site: str, mark: int, began: int, now: int) -> int:
        """First it is told, then noted that it was: who dies in between tells the same again, which is known by its id."""
        found, reached = suspects(self._client, site, mark, now, AT_MOST)
        heard = [_heard(site, each) for each in found if each.suspect.received > began and _is_due(each, now)]
        made = self._dispatch.write(heard, now) if heard else 0
        self._marks.told(site, reached)
        meters.RISKS.inc(made)
        return made


def _is_due(found: Found, now: int) -> bool:
    """The last of a quarter of an hour says how many are left out: it is told when that is over."""
    return found.place < AT_MOST or found.quarter + QUARTER_MS + SETTLED_MS <= now


def _heard(site: str, found: Found) -> Heard:
    left_out = found.sessions - AT_MOST if found.place == AT_MOST else 0
    return Heard(notice_of(site, found.suspect, left_out), found.suspect.received)
