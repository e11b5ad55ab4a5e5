"""What the log has of partitions while it is read: such as were added, and what one has lost."""

from collections.abc import Collection

from confluent_kafka import Consumer, KafkaException, TopicPartition

from api.live.position import TOPICS, Where

ANSWER_S = 5.0


def added(consumer: Consumer, known: Collection[Where]) -> dict[Where, int]:
    """Partitions that are not known yet, each with its first offset; raises KafkaException."""
    found = [Where(name, number) for name in TOPICS for number in _numbers(consumer, name)]
    return {where: _first(consumer, where) for where in found if where not in known}


def has_lost(consumer: Consumer, where: Where, offset: int) -> bool:
    """Whether an offset lies before the beginning of its partition: also where that cannot be asked."""
    try:
        return _first(consumer, where) > offset
    except KafkaException:
        return True


def _numbers(consumer: Consumer, name: str) -> Collection[int]:
    topic = consumer.list_topics(name, timeout=ANSWER_S).topics[name]
    return sorted(topic.partitions) if topic.error is None else ()


def _first(consumer: Consumer, where: Where) -> int:
    low, _ = consumer.get_watermark_offsets(TopicPartition(*where), timeout=ANSWER_S)
    return int(low)
