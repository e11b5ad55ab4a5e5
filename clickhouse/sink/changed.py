"""Making known which sites' events have changed, so that answers that were kept are asked for anew."""

import time
from collections.abc import Iterable
from logging import getLogger
from threading import Condition, Thread

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from pulse.change import EVERY_SITE, changes_of

TIMEOUT_S = 1.0
LEAST_S, MOST_S = 0.05, 1.0
PART = 20
"""Telling takes at most one part of the time in so many, but it is told at least once in `MOST_S`."""

log = getLogger(__name__)


class Changed:
    """Counts changes in Redis in the background, all that were noted since the last time at once, until Redis has taken them.

    It begins with all sites: another sink may have stored something and died before it said so.
    """

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        )
        self._names: set[str] = {EVERY_SITE}
        self._noted = Condition()
        self._is_stopping = False
        self._is_away = False
        self._thread = Thread(target=self._run, name="changed", daemon=True)
        self._thread.start()

    def note(self, sites: Iterable[str]) -> None:
        """Events of these sites were stored, of any site if none is named; returns at once."""
        with self._noted:
            self._names.update(set(map(changes_of, sites)) or {EVERY_SITE})
            self._noted.notify_all()

    def close(self) -> None:
        """Count what is noted, if Redis takes it at once, and end."""
        with self._noted:
            self._is_stopping = True
            self._noted.notify_all()
        self._thread.join()
        self._redis.close()

    def _run(self) -> None:
        while True:
            with self._noted:
                self._noted.wait_for(lambda: self._names or self._is_stopping)
                names, self._names = self._names, set()
            began = time.monotonic()
            counted = not names or self._counted(names)
            pause_s = pause(time.monotonic() - began) if counted else MOST_S
            with self._noted:
                if not counted:
                    self._names |= names
                if self._is_stopping and (not counted or not self._names):
                    return
                self._noted.wait_for(lambda: self._is_stopping, pause_s)

    def _counted(self, names: set[str]) -> bool:
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.incr(name)
                pipeline.execute()
        except (RedisError, OSError) as error:
            if not self._is_away:
                log.warning("Redis does not answer (%s); kept answers may be five minutes old", type(error).__name__)
            self._is_away = True
            return False
        self._is_away = False
        return True


def pause(took_s: float) -> float:
    """For how long nothing more is told after what took so long."""
    return min(max(LEAST_S, PART * took_s), MOST_S)
