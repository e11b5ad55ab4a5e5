"""How far the sink lies behind, in seconds: since when there has been something that it has not stored."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from time import monotonic

from confluent_kafka import Consumer, KafkaException, TopicPartition

from pulse.reaching import reaching
from pulse.topics import EVENTS
from streams.standing import SINK

EACH_S = 0.5
ASKED_S = 2.0
REMEMBERED_S = 60.0

log = logging.getLogger(__name__)


class Ages:
    """Looks at where partitions end, and how long ago they ended where their reader stands. Times in seconds."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, Mapping[int, int]]] = deque()

    def look(self, now: float, stands: Mapping[int, int | None], ends: Mapping[int, int]) -> float:
        """For how long there has been something to read, at most a minute; a reader that was never there has no lag."""
        self._looks.append((now, dict(ends)))
        while self._looks[0][0] < now - REMEMBERED_S:
            self._looks.popleft()
        unread = (at for at, ended in self._looks if any(_is_past(stands.get(n), end) for n, end in ended.items()))
        return now - next(unread, now)


def _is_past(stands: int | None, end: int) -> bool:
    return stands is not None and end > stands


class SinkLag:
    """Asks Kafka, beside the loop, while somebody wants to know. What cannot be told is no lag."""

    def __init__(self, servers: str) -> None:
        config: dict[str, str | int | float | bool] = {
            **reaching(servers),
            "group.id": SINK,
            "enable.auto.commit": False,
        }
        self._consumer = Consumer(config, logger=log)  # joins nothing: it never subscribes
        self._ages = Ages()
        self.seconds = 0.0

    async def run(self, wanted: Callable[[], Iterable[int]]) -> None:
        """Ask until cancelled, of the partitions of `pulse.events` that are wanted now."""
        while True:
            partitions = list(wanted())
            if partitions:
                self.seconds = await asyncio.to_thread(self._ask, partitions)
            await asyncio.sleep(EACH_S)

    def _ask(self, partitions: Iterable[int]) -> float:
        asked = [TopicPartition(EVENTS, each) for each in partitions]
        try:
            found = self._consumer.committed(asked, timeout=ASKED_S)
            ends = {
                at.partition: self._consumer.get_watermark_offsets(TopicPartition(EVENTS, at.partition), ASKED_S)[1]
                for at in found
            }
        except KafkaException as error:
            log.debug("Kafka does not tell how far the sink is: %s", error.args[0].str())
            return 0.0
        stands = {at.partition: at.offset if at.offset >= 0 else None for at in found}
        return self._ages.look(monotonic(), stands, ends)
