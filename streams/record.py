"""Records as they are taken from the log, and as they are made for it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from confluent_kafka import Message

from pulse.place import HEADER, Place
from pulse.topics import MAX_RECORD_BYTES


class Taken(NamedTuple):
    """A record of the log; `timestamp` in ms since the epoch, `value` is empty where the record has none."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Made(NamedTuple):
    """A record to be written; it carries the timestamp of the raw record that it was made of, and perhaps a ledger."""

    topic: str
    partition: int
    value: bytes
    place: Place
    timestamp: int
    ledger: bytes | None = None


def taken(message: Any) -> Taken:
    """A record as Faust hands it over."""
    return Taken(
        message.topic,
        message.partition,
        message.offset,
        round((message.timestamp or 0) * 1000),
        message.value or b"",
        tuple(message.headers or ()),
    )


def written(made: Made) -> Taken:
    """A record as it will be taken from the log; where it will lie there is not known yet."""
    return Taken(made.topic, made.partition, 0, made.timestamp, made.value, ((HEADER, made.place.encode()),))


def told(message: Message) -> Taken:
    """A record as librdkafka hands it over."""
    value, (_, timestamp) = message.value() or b"", message.timestamp()
    return Taken(message.topic() or "", message.partition() or 0, message.offset() or 0, timestamp, bytes(value))


def cut(lines: Iterable[bytes], most: int = MAX_RECORD_BYTES) -> list[bytes]:
    """Lines as the values of records, each of at most `most` bytes or of one line."""
    values: list[bytes] = []
    part: list[bytes] = []
    size = 0
    for line in lines:
        if part and size + len(line) + 1 > most:
            values.append(b"\n".join([*part, b""]))
            part, size = [], 0
        part.append(line)
        size += len(line) + 1
    return [*values, b"\n".join([*part, b""])] if part else values
