"""What an error of the Kafka client means to those who send events, in a sentence of its own."""

from confluent_kafka import KafkaError

FENCED = frozenset(
    {
        KafkaError._FATAL,
        KafkaError._FENCED,
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.INVALID_PRODUCER_ID_MAPPING,
        KafkaError.UNKNOWN_PRODUCER_ID,
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
        KafkaError.DUPLICATE_SEQUENCE_NUMBER,
    }
)
"""After these the broker takes nothing more of a producer: records may not leave their order, and one is missing."""

BROKEN = "the connection to Kafka lost its place among the records, and is made anew"

_TOLD = {
    KafkaError._MSG_TIMED_OUT: "not acknowledged in time",
    KafkaError._TIMED_OUT: "no answer in time",
    KafkaError._TIMED_OUT_QUEUE: "no answer in time",
    KafkaError.REQUEST_TIMED_OUT: "the broker did not reach its replicas in time",
    KafkaError._TRANSPORT: "the connection broke or was refused",
    KafkaError._ALL_BROKERS_DOWN: "no broker can be reached",
    KafkaError._RESOLVE: "the host's name cannot be resolved",
    KafkaError._PURGE_QUEUE: "the connection was given up",
    KafkaError._PURGE_INFLIGHT: "the connection was given up",
    KafkaError._AUTHENTICATION: "the broker does not accept the credentials",
    KafkaError.NOT_ENOUGH_REPLICAS: "too few copies of the log are in step",
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND: "too few copies of the log are in step",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "the topic is gone",
    KafkaError._UNKNOWN_TOPIC: "the topic is gone",
    KafkaError._UNKNOWN_PARTITION: "the topic has fewer partitions than it had",
    KafkaError.MSG_SIZE_TOO_LARGE: "the broker takes no record of this size: raise its message.max.bytes",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "the broker does not permit to write to the topic",
}


def ends_producer(error: KafkaError) -> bool:
    """Whether only a new producer can send again."""
    return error.fatal() or error.code() in FENCED


def told(error: KafkaError) -> str:
    """What happened, without the client's own words; an error that is not known here is told by its name."""
    if ends_producer(error):
        return BROKEN
    return _TOLD.get(error.code(), f"the broker answered {error.name()}")
