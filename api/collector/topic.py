"""What the broker says of the raw log: which log it is, and how many partitions it has."""

import asyncio
import logging
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from api.collector.kafkafault import told
from pulse.errors import Unavailable
from pulse.reaching import reaching

ASKED_S = 3.0


@dataclass(frozen=True)
class LogTopic:
    """A topic as it is now; one that was deleted and made anew has another id."""

    id: str
    partitions: int


class Topics:
    """Asks a broker about its topics, without making any."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin = AdminClient(
            reaching(bootstrap),
            logger=logging.getLogger(__name__),
        )

    async def describe(self, name: str) -> LogTopic:
        """A topic; raises Unavailable if the broker does not answer or has no such topic."""
        asked = self._admin.describe_topics(TopicCollection([name]), request_timeout=ASKED_S)
        try:
            async with asyncio.timeout(ASKED_S + 1):
                found = await asyncio.wrap_future(asked[name])
        except TimeoutError:
            raise Unavailable(f"Kafka at {self._bootstrap} does not answer") from None
        except KafkaException as error:
            raise Unavailable(self._said(name, error.args[0])) from None
        if not found.partitions:
            raise Unavailable(f"the topic {name} has no partitions yet")
        return LogTopic(str(found.topic_id), len(found.partitions))

    def _said(self, name: str, error: KafkaError) -> str:
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return f"Kafka at {self._bootstrap} has no topic {name}: run `python -m streams.topics`"
        return f"Kafka at {self._bootstrap} does not answer ({told(error)})"
