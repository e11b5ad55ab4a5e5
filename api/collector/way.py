"""The way of events into the log: the producer, the watch over its broker, the spool beside it, how far readers are."""

from collections.abc import Coroutine
from typing import Any

from api.collector.lagging import Lagging
from api.collector.producer import RawLog
from api.collector.route import Spooling, Straight
from api.collector.spool.meters import Meters
from api.collector.spool.spool import MB, Spool
from api.collector.tally import Tally
from api.collector.topic import Topics
from api.collector.watch import Watch
from pulse.settings import Settings
from pulse.topics import RAW, REFINING, SLOW


class Way:
    """The parts of the way, joined; raises SettingError where the spool cannot be."""

    def __init__(self, settings: Settings, tally: Tally) -> None:
        s = self._settings = settings
        raw = RawLog(s.kafka_url, s.produce_timeout_ms, s.spool_after_ms, s.waiting_mb * MB, tally)
        self.watch = Watch(Topics(s.kafka_url), raw)
        self.lagging = {topic: Lagging(s.kafka_url, s.max_lag_seconds, topic) for topic in REFINING}
        self.route: Straight | Spooling = Straight(raw, tally)
        if s.spool_mb:
            spool = Spool(s.spool_folder, s.spool_mb * MB, Meters(tally.registry))
            self.route = Spooling(raw, spool, self.partitions, tally, s.waiting_mb * MB)

    def partitions(self) -> int:
        """How many partitions the log has, or is to have while it was not seen yet."""
        return self.watch.partitions or self._settings.partitions

    def fault(self) -> str | None:
        """Why no event can be taken, None if they can."""
        return self.route.fault(self.watch.fault)

    def checks(self) -> dict[str, str]:
        """What the health page says of it."""
        return {
            **self.route.checks(self.watch.fault),
            "lag": self._lag(RAW, "events"),
            "slow_lag": self._lag(SLOW, "imports"),
        }

    def _lag(self, topic: str, what: str) -> str:
        late = self.lagging[topic].verdict
        if not late.wait_s or self.watch.fault is not None:
            return "ok"
        return f"refinement lies {late.behind_s:.0f} s behind with {topic}: {what} are answered with 429"

    def watching(self) -> list[Coroutine[Any, Any, None]]:
        """What is to run beside it."""
        lanes = self.lagging.values() if self._settings.max_lag_seconds else ()
        return [self.watch.run(), *(each.run(self.partitions) for each in lanes)]
