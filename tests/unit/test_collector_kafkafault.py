"""Errors of the Kafka client as senders are told of them."""

import pytest
from confluent_kafka import KafkaError

from api.collector.kafkafault import BROKEN, ends_producer, told


@pytest.mark.parametrize(
    "code",
    [KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER],
)
def test_a_producer_that_is_fenced_is_at_its_end(code: int) -> None:
    assert ends_producer(KafkaError(code))
    assert told(KafkaError(code)) == BROKEN


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (KafkaError._MSG_TIMED_OUT, "not acknowledged in time"),
        (KafkaError._TRANSPORT, "the connection broke or was refused"),
        (KafkaError.KAFKA_STORAGE_ERROR, "the broker answered KAFKA_STORAGE_ERROR"),
    ],
)
def test_other_errors_are_told_in_a_sentence_of_their_own(code: int, said: str) -> None:
    assert not ends_producer(KafkaError(code))
    assert told(KafkaError(code)) == said
