"""How far each hop lies behind, in records, asked cheaply enough for every second."""

import logging

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from pulse.topics import EVENTS, METRICS, RAW, REFINING, SLOW

ASKED_S = 5.0
HOPS = {
    "refine": (REFINING[RAW], RAW),
    "refine slow": (REFINING[SLOW], SLOW),
    "sink events": ("pulse-sink", EVENTS),
    "sink metrics": ("pulse-sink", METRICS),
}
"""Each hop's group and the topic that it reads."""

_SILENT = logging.getLogger("bench.hops")
_SILENT.setLevel(logging.CRITICAL)


class Hops:
    """Asks a broker where the groups stand; joins none of them. A commit lags its record by up to a second."""

    def __init__(self, kafka_url: str, partitions: int) -> None:
        self._partitions = partitions
        self._admin = AdminClient({"bootstrap.servers": kafka_url}, logger=_SILENT)
        self._groups = {
            group: Consumer(
                {"bootstrap.servers": kafka_url, "group.id": group, "enable.auto.commit": False}, logger=_SILENT
            )
            for group in {group for group, _ in HOPS.values()}
        }

    def lag(self) -> dict[str, int]:
        """Records that each hop has yet to read; empty where the broker does not say."""
        try:
            ends = self._ends()
            return {hop: self._behind(group, topic, ends) for hop, (group, topic) in HOPS.items()}
        except KafkaException:
            return {}

    def close(self) -> None:
        """Hang up."""
        for consumer in self._groups.values():
            consumer.close()

    def _ends(self) -> dict[tuple[str, int], int]:
        asked = {at: OffsetSpec.latest() for _, topic in HOPS.values() for at in self._of(topic)}  # type: ignore[no-untyped-call]
        answers = self._admin.list_offsets(asked, request_timeout=ASKED_S)
        return {(at.topic, at.partition): answer.result().offset for at, answer in answers.items()}

    def _behind(self, group: str, topic: str, ends: dict[tuple[str, int], int]) -> int:
        found = self._groups[group].committed(self._of(topic), timeout=ASKED_S)
        return sum(max(ends[at.topic, at.partition] - max(at.offset, 0), 0) for at in found)

    def _of(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, n) for n in range(self._partitions)]
