"""Summaries of sites, put into the log as notices when their time has come."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from logging import getLogger

from api.control.summaries import Summaries, Wanted
from api.delivery import meters
from api.delivery.teller import Teller
from clickhouse.client import Client
from clickhouse.reports.digest import answer
from pulse.digest.notice import notice_of
from pulse.digest.period import Kind, Period, last_ended, missed
from pulse.errors import Conflict, PulseError, QueryError

GRACE_MS = 15_000
"""How long after its end a period counts as stored."""
LEASE_MS = 150_000
"""Longer than the store may take for one."""
AT_ONCE = 4
"""Summaries that are asked for at a time: a site that the store is long at holds up no other."""
REST = 10
"""What the store refused is followed by a pause of so many times what that took: one that it is always too long at holds up no other."""
PATIENCE_S = 5.0
"""For so long those that were begun are waited for, before it is looked for what else is due."""

log = getLogger(__name__)


Clock = Callable[[], int]
"""Tells the time in ns since the epoch."""


class Digests:
    """Tells each summary once: of several processes one takes it, and its id follows from what it is of."""

    def __init__(
        self,
        summaries: Summaries,
        client: Client,
        teller: Teller,
        clock: Clock = time.time_ns,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._summaries, self._client, self._teller = summaries, client, teller
        self._clock, self._patience_s = clock, patience_s
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="summaries")
        self._going: Mapping[tuple[str, Kind], Future[bool]] = {}
        self._rests: dict[tuple[str, Kind], float] = {}

    def tell(self) -> int:
        """Tell what is due, a few at a time; how many were told. What cannot be told now is tried again, until the next of its kind is over.

        One that takes long is not waited for for long, and not begun again before it has ended.
        """
        going = {key: each for key, each in self._going.items() if not each.done()}
        wanted = {(each.site, each.kind): each for each in self._summaries.wanted()}
        due = {key: each for key, each in wanted.items() if time.monotonic() >= self._rests.get(key, 0)}
        begun = {key: self._threads.submit(self._tried, each) for key, each in due.items() if key not in going}
        self._going = going | begun
        return sum(each.result() for each in wait(begun.values(), self._patience_s).done)

    def close(self) -> None:
        """Begin no more; what is under way ends with the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _tried(self, wanted: Wanted) -> bool:
        """Whether it was told; what goes wrong with one is no other's harm."""
        try:
            return self._tell(wanted)
        except PulseError as error:
            log.warning("a summary waits: %s", error, extra={"site": wanted.site, "period": wanted.kind})
        except Exception:
            log.exception("a summary waits", extra={"site": wanted.site, "period": wanted.kind})
        return False

    def _tell(self, wanted: Wanted) -> bool:
        now = self._clock() // 1_000_000
        period = last_ended(wanted.kind, wanted.timezone, now - GRACE_MS)
        if wanted.told is None:
            return self._begin(wanted, period)
        if wanted.told >= period.end or wanted.taken_until > now:
            return False
        if not self._summaries.take(wanted.site, wanted.kind, period.end, now, LEASE_MS):
            return False
        began = time.monotonic()
        try:
            digest = answer(self._client, wanted.site, period)
            skipped = missed(period, wanted.timezone, wanted.told)
            self._teller.write([notice_of(wanted.site, wanted.timezone, period, digest, skipped)])
        except PulseError as error:
            log.warning("a summary waits: %s", error, extra={"site": wanted.site, "period": wanted.kind})
            if isinstance(error, QueryError):
                self._rests[wanted.site, wanted.kind] = time.monotonic() + REST * (time.monotonic() - began)
            self._summaries.release(wanted.site, wanted.kind)
            return False
        self._summaries.told(wanted.site, wanted.kind, period.end)
        meters.SUMMARIES.labels(wanted.kind).inc()
        return True

    def _begin(self, wanted: Wanted, period: Period) -> bool:
        """Of what is asked for newly the first is that of the period that runs now."""
        try:
            self._summaries.begin(wanted.site, wanted.kind, period.end)
        except Conflict:
            log.info("another process has begun with a summary", extra={"site": wanted.site, "period": wanted.kind})
        return False
