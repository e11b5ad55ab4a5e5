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


class Way:
    """The parts of the way, joined; raises SettingError where the spool cannot be."""

    def __init__(self, settings: Settings, tally: Tally) -> None:
        s = self._settings = settings
        raw = RawLog(s.kafka_url, s.produce_timeout_ms, s.spool_after_ms, s.waiting_mb * MB, tally)
        self.watch = Watch(Topics(s.kafka_url), raw)
        self.lagging = Lagging(s.kafka_url, s.max_lag_seconds)
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
        late, lag = self.lagging.verdict, "ok"
        if late.imports_s and self.watch.fault is None:
            whom = "events" if late.all_s else "events of importing keys"
            lag = f"refinement lies {late.behind_s:.0f} s behind: {whom} are answered with 429"
        return {**self.route.checks(self.watch.fault), "lag": lag}

    def watching(self) -> list[Coroutine[Any, Any, None]]:
        """What is to run beside it."""
        asking = [self.lagging.run(self.partitions)] if self._settings.max_lag_seconds else []
        return [self.watch.run(), *asking]
