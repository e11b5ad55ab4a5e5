"""Retention of every site by the weeks that are over, made once a night, at 2 o'clock UTC, by whichever process comes first."""

from collections.abc import Callable
from logging import getLogger
from threading import Event, Lock, Thread
from zoneinfo import ZoneInfo

from api.control.snapshots import RetentionSnapshot, Zoned
from api.control.store import Store
from api.query.bucket import DAY_MS, HOUR_MS, begins
from clickhouse import activity
from clickhouse.bounded import Bounded, Limits
from clickhouse.client import Client
from clickhouse.reports.retention_snapshot import UNITS, WEEKS, Snapshot, take
from clickhouse.reports.scope import Unit
from pulse.errors import PulseError, TooCostly, Unavailable

AT_MS = 2 * HOUR_MS
LEASE_MS = 7_200_000
"""Longer than all statements that make a quarter's rows of activity anew may take."""
LOOK_S = 60.0

log = getLogger(__name__)


class Nightly:
    """Makes what is due while it runs; several may be at work, in several processes. A night that was missed is made up for.

    Where it `mends`, the rows of `activity` of a site are made to be those of its events first.
    """

    def __init__(
        self, store: Store, client: Client, limits: Limits, now: Callable[[], int], mends: bool = True
    ) -> None:
        self._store = store
        self._client = client
        self._limits = limits
        self._now = now
        self._mends = mends
        self._done = 0
        self._stopping = Event()
        self._lock = Lock()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to look, in the background."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="nightly", daemon=True)
                self._thread.start()

    def stop(self, timeout_s: float = 5) -> None:
        """End; what is half done is left to whoever comes next."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        self._client.close()

    def tend(self) -> int:
        """Make what is due and nobody else makes; how many there were. What cannot be made is still due, and no other's harm.

        Raises Unavailable where nothing can be made.
        """
        due = due_at(self._now())
        if due <= self._done:
            return 0
        wanted = [(site, unit) for site in self._store.snapshots.sites() for unit in UNITS]
        made = [self._tried(site, unit, due) for site, unit in wanted if not self._stopping.is_set()]
        if len(made) == len(wanted) and None not in made:
            self._done = due
        return sum(filter(None, made))

    def _tried(self, site: Zoned, unit: Unit, due: int) -> bool | None:
        """Whether it was made; None where that failed."""
        try:
            is_mine = self._store.snapshots.take(site.id, unit, due, self._now(), LEASE_MS)
            return is_mine and self._made(site, unit, due)
        except Unavailable:
            raise
        except Exception as error:
            self._tell(error, site, unit)
            return None

    def _tell(self, error: Exception, site: Zoned, unit: Unit) -> None:
        where = {"site": site.id, "unit": unit}
        if isinstance(error, PulseError):
            log.warning("a snapshot of a site's retention waits: %s", error, extra=where)
        else:
            log.exception("a snapshot of a site's retention waits", extra=where)

    def _made(self, site: Zoned, unit: Unit, due: int) -> bool:
        weeks = weeks_before(due, ZoneInfo(site.timezone))
        try:
            if self._mends and unit == UNITS[0]:
                self._mend(site, unit)
            found = take(Bounded(self._client, self._limits), site.id, unit, weeks, self._now())
        except TooCostly as error:
            log.warning("there is no snapshot of a site's retention: %s", error, extra={"site": site.id, "unit": unit})
            return False
        except Exception:
            self._store.snapshots.release(site.id, unit)
            raise
        values = {"made": found.made_ms, "begins": found.begins, "cells": found.cells, "mark": found.mark}
        self._store.snapshots.keep(site.id, unit, due, values)
        return True

    def _mend(self, site: Zoned, unit: Unit) -> None:
        """Make rows of activity anew; one quarter takes no longer than it stays ours."""

        def renew() -> None:
            self._store.snapshots.renew(site.id, unit, self._now(), LEASE_MS)

        activity.mend(self._client, site.id, self._now(), renew)
        renew()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.tend()
            except PulseError as error:
                log.warning("snapshots of retention cannot be made just now: %s", error)
            except Exception:
                log.exception("snapshots of retention cannot be made just now")
            self._stopping.wait(LOOK_S)


def due_at(now: int) -> int:
    """The last 2 o'clock, UTC, in ms."""
    return (now - AT_MS) // DAY_MS * DAY_MS + AT_MS


def weeks_before(moment: int, zone: ZoneInfo) -> tuple[int, ...]:
    """When the last weeks of local time began that are over at a moment, and when the last of them ended."""
    return tuple(begins("week", moment - (WEEKS + 1) * 7 * DAY_MS, moment + 1, zone)[-1 - WEEKS :])


def snapshot_of(record: RetentionSnapshot | None) -> Snapshot | None:
    """What was kept."""
    if record is None:
        return None
    cells = tuple((cohort, column, units) for cohort, column, units in record.cells)
    return Snapshot(tuple(record.begins), cells, record.mark, record.made)
