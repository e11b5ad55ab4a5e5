"""Whether the raw log takes records, in either lane: asked of the broker now and then, and at once when something fails."""

import asyncio
import logging
from contextlib import suppress

from api.collector.kafkafault import BROKEN
from api.collector.producer import RawLog
from api.collector.topic import LogTopic, Topics
from pulse.errors import Unavailable
from pulse.topics import RAW, SLOW

CALM_S = 15.0
BREATH_S = 0.1
TROUBLED_S = 0.5
FORGIVEN_S = 1.5
"""For how long a broker may fail to answer before it counts as away: a connection breaks, another broker takes over."""

log = logging.getLogger(__name__)


class Watch:
    """Keeps the producer connected to the log that is there now, also where that is a new one.

    `partitions` is their number, `fault` what is wrong, None if nothing is.
    """

    def __init__(self, topics: Topics, raw: RawLog) -> None:
        self._topics = topics
        self._raw = raw
        self._lanes: tuple[LogTopic, ...] = ()
        self._trouble = asyncio.Event()
        self._failing_since: float | None = None
        self._is_said = False
        self.fault: str | None = "not connected to Kafka yet"
        raw.on_trouble = self._troubled

    @property
    def partitions(self) -> int:
        """The number of partitions of the log, 0 if it has not been seen yet."""
        return self._lanes[0].partitions if self._lanes else 0

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self._trouble.clear()
            await self.look()
            if self.fault is None and self._failing_since is None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CALM_S):
                        await self._trouble.wait()
                await asyncio.sleep(BREATH_S)
            else:
                await asyncio.sleep(TROUBLED_S)

    async def look(self) -> None:
        """Ask the broker once. A broker that is too busy to answer, but acknowledges records, is well."""
        acknowledged, begun = self._raw.acknowledged, asyncio.get_running_loop().time()
        try:
            found = await self._describe()
        except Unavailable as error:
            if self._raw.acknowledged == acknowledged:
                self._lost(str(error), begun)
            return
        if found != self._lanes or not self._raw.is_connected:
            self._raw.connect()
        if self.fault is not None or found != self._lanes:
            ids = [lane.id for lane in found]
            log.info("the raw log takes records", extra={"topic": RAW, "ids": ids, "partitions": found[0].partitions})
        self._lanes, self.fault, self._failing_since, self._is_said = found, None, None, False

    async def _describe(self) -> tuple[LogTopic, ...]:
        """Both lanes; raises Unavailable. A visitor's events must meet in the same partition of each."""
        live, slow = await asyncio.gather(self._topics.describe(RAW), self._topics.describe(SLOW))
        if live.partitions != slow.partitions:
            raise Unavailable(f"{RAW} has {live.partitions} partitions, but {SLOW} {slow.partitions}: make {SLOW} anew")
        return live, slow

    def _troubled(self) -> None:
        """A producer that is at its end takes nothing until the next look has made another, which is at once."""
        if self._raw.is_broken and self.fault is None:
            self.fault = BROKEN
            log.warning("the raw log takes no records: %s", BROKEN)
        self._trouble.set()

    def _lost(self, fault: str, begun: float) -> None:
        self._failing_since = begun if self._failing_since is None else self._failing_since
        failing = asyncio.get_running_loop().time() - self._failing_since
        if self.fault is None and failing < FORGIVEN_S:
            return
        if not self._is_said:
            log.warning("the raw log takes no records: %s", fault)
        self.fault, self._is_said = fault, True
        self._raw.lost()
