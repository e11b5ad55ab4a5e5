"""Asks Kafka, beside the loop and every other second, how far refinement lies behind in a lane."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing, suppress

from confluent_kafka import Consumer, KafkaException, TopicPartition

from api.collector.backlog import Backlog, Verdict
from pulse.reaching import reaching
from pulse.topics import RAW, REFINING

EACH_S = 2.0
ASKED_S = 2.0

log = logging.getLogger(__name__)
SILENT = logging.getLogger("api.collector.lagging.kafka")
SILENT.setLevel(logging.CRITICAL)


class Lagging:
    """Keeps a verdict on how far behind refinement is; without one, while Kafka does not tell, nobody is turned away.

    `topic` is the lane's.
    """

    def __init__(self, bootstrap: str, limit_s: float, topic: str) -> None:
        self._topic = topic
        self._config = {
            **reaching(bootstrap),
            "group.id": REFINING[topic],
            "enable.auto.commit": False,
        }
        self._backlog = Backlog(limit_s)
        self.verdict = Verdict()

    async def run(self, partitions: Callable[[], int]) -> None:
        """Ask until cancelled; `partitions` tells how many the log has."""
        with closing(Consumer(self._config, logger=SILENT)) as consumer:  # joins nothing: it never subscribes
            while True:
                await self._look(consumer, partitions())
                await asyncio.sleep(EACH_S)

    async def _look(self, consumer: Consumer, partitions: int) -> None:
        asking = asyncio.create_task(asyncio.to_thread(stands, consumer, self._topic, partitions))
        try:
            found = await asyncio.shield(asking)
        except asyncio.CancelledError:
            with suppress(KafkaException):
                await asking  # the consumer is closed next, which its questions must not outlive
            raise
        except KafkaException as error:
            log.debug("Kafka does not tell how far %s is read: %s", self._topic, error.args[0].str())
            self._note(self._backlog.unknown())
        except Exception:
            log.exception("asking how far %s is read failed", self._topic)
            self._note(self._backlog.unknown())
        else:
            self._note(self._backlog.seen(asyncio.get_running_loop().time(), found))

    def _note(self, verdict: Verdict) -> None:
        """Verdicts come and go, but nobody wants to read of each: only of those that turn live events away."""
        if self._topic == RAW and bool(verdict.wait_s) != bool(self.verdict.wait_s):
            said = "events are answered with 429" if verdict.wait_s else "events are taken again"
            log.warning("%s: refinement lies %.0f s behind", said, verdict.behind_s)
        self.verdict = verdict


def stands(consumer: Consumer, topic: str, partitions: int) -> dict[int, tuple[int, int]]:
    """Where the group stands and where a topic ends, by partition; blocks, and raises KafkaException."""
    asked = [TopicPartition(topic, each) for each in range(partitions)]
    found = {}
    for at in consumer.committed(asked, timeout=ASKED_S):
        if at.error:
            raise KafkaException(at.error)
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, at.partition), timeout=ASKED_S)
        found[at.partition] = (min(max(at.offset, low), high), high)
    return found
