"""How far consumer groups lie behind the log: records they have yet to read, by group, topic and partition."""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from pulse.errors import Unavailable
from pulse.reaching import reaching
from pulse.topics import ALERTS, CONFIG, EVENTS, METRICS, REFINING, REJECTED, SUMMARIES

Readers = Iterable[tuple[str, tuple[str, ...]]]
"""Groups and the topics that each reads."""

READERS: Readers = (
    *((group, (lane,)) for lane, group in REFINING.items()),
    ("pulse-sink", (EVENTS, REJECTED, METRICS, CONFIG, ALERTS)),
    ("pulse-delivery", (ALERTS, SUMMARIES)),
)
"""Which group reads which topics, in the order in which records pass through them."""

WATCHED: Readers = (*READERS, ("pulse-alerts", (METRICS,)))
"""The same, and who reads along without anything having to wait for it."""

RECORDED: Readers = (("pulse-recordings", (EVENTS,)),)
"""Who reads along besides where sessions are recorded."""

TAIL_S = 0.5
"""The end of a log that is written without pause is reached at no time: then what was read so far counts."""
SILENT_S = 10.0
"""After so long without a record or an end a partition is taken not to answer: a busy machine takes its time."""

SILENT = logging.getLogger("pulse.lag.kafka")
SILENT.setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Lag:
    """One group on one partition: where it stands (None: it has never committed), and the log's first and next offset."""

    group: str
    topic: str
    partition: int
    committed: int | None
    low: int
    high: int

    @property
    def records(self) -> int:
        """How many records the group has yet to read."""
        return behind(self.committed, self.low, self.high)


def behind(committed: int | None, low: int, high: int) -> int:
    """Records between where a group stands and the log's end; what was deleted from the log is not waited for."""
    return max(high - max(low if committed is None else committed, low), 0)


def total(lags: Iterable[Lag]) -> int:
    """Records that all of the groups have yet to read; one that two groups read counts twice."""
    return sum(lag.records for lag in lags)


class Log:
    """A connection to Kafka that measures lag, for as often as one likes."""

    def __init__(self, kafka_url: str) -> None:
        self._url = kafka_url
        self._admin = AdminClient({**reaching(kafka_url), "socket.timeout.ms": 5_000}, logger=SILENT)

    def lags(self, readers: Readers = READERS, timeout_s: float = 5) -> list[Lag]:
        """The lag of each group on each partition of its topics; a topic that does not exist has none.

        The groups are asked in the order of `readers`: where that is the order of the pipeline, and all are at zero,
        everything that was in the log when this began has passed through all of them. Raises Unavailable.
        """
        try:
            partitions = self._partitions({topic for _, topics in readers for topic in topics}, timeout_s)
            return [
                lag
                for group, topics in readers
                for lag in self._group(group, [p for p in partitions if p.topic in topics], timeout_s)
            ]
        except KafkaException as error:
            raise Unavailable(f"Kafka at {self._url} does not tell its offsets: {error.args[0].str()}") from None

    def _partitions(self, topics: set[str], timeout_s: float) -> list[TopicPartition]:
        found = self._admin.list_topics(timeout=timeout_s).topics
        return [TopicPartition(t, p) for t in sorted(topics & found.keys()) for p in sorted(found[t].partitions)]

    def _group(self, group: str, partitions: list[TopicPartition], timeout_s: float) -> Iterator[Lag]:
        if not partitions:
            return
        low = self._offsets(partitions, OffsetSpec.earliest(), timeout_s)  # type: ignore[no-untyped-call]
        high = self._offsets(partitions, OffsetSpec.latest(), timeout_s)  # type: ignore[no-untyped-call]
        stands = self._committed(group, partitions, timeout_s)
        for at, end in true_ends(self._url, high, silent=timeout_s).items():
            yield Lag(group, *at, stands[at], low[at], end)

    def _offsets(
        self, partitions: list[TopicPartition], which: OffsetSpec, timeout_s: float
    ) -> dict[tuple[str, int], int]:
        asked = self._admin.list_offsets(dict.fromkeys(partitions, which), request_timeout=timeout_s)
        return {(at.topic, at.partition): answer.result().offset for at, answer in asked.items()}

    def _committed(
        self, group: str, partitions: list[TopicPartition], timeout_s: float
    ) -> dict[tuple[str, int], int | None]:
        """Asked by a consumer that joins nothing: the admin client crashes on a coordinator that is still loading."""
        config = {"bootstrap.servers": self._url, "group.id": group, "enable.auto.commit": False}
        with closing(Consumer(config, logger=SILENT)) as consumer:
            found = consumer.committed(partitions, timeout=timeout_s)
        for at in found:
            if at.error:
                raise KafkaException(at.error)
        return {(at.topic, at.partition): at.offset if at.offset >= 0 else None for at in found}


def await_passed(log: Log, steps: Iterable[Readers], within_s: float, pause_s: float = 0.2) -> None:
    """Return when all that is in the log now has passed through the groups of each step, one step after the other.

    What is written meanwhile is not waited for, but for what one step makes for the next. Raises Unavailable.
    """
    deadline = time.monotonic() + within_s
    for readers in steps:
        ends = {(lag.group, lag.topic, lag.partition): lag.high for lag in log.lags(readers)}
        while left := _yet_to_pass(log.lags(readers), ends):
            if time.monotonic() > deadline:
                raise Unavailable(f"{left:,} records were not read within {within_s:g} s; `pulse status` tells the lag")
            time.sleep(pause_s)


def _yet_to_pass(lags: Iterable[Lag], ends: Mapping[tuple[str, str, int], int]) -> int:
    return sum(behind(lag.committed, lag.low, ends[lag.group, lag.topic, lag.partition]) for lag in lags)


def true_ends(
    kafka_url: str, ends: Mapping[tuple[str, int], int], within: float = TAIL_S, silent: float = SILENT_S
) -> dict[tuple[str, int], int]:
    """The next offset of each partition, read from the log itself from the end it claims on.

    Some brokers count only the first record of the last batch; a group may look caught up while the rest waits.
    Raises Unavailable for a partition that tells neither a record nor its end for `silent` seconds: its claim may be too low.
    """
    if not ends:
        return {}
    found = dict(ends)
    open_ones = set(ends)
    heard: set[tuple[str, int]] = set()
    with closing(_tail(kafka_url, ends)) as consumer:
        began = time.monotonic()
        while open_ones and time.monotonic() - began < (silent if open_ones - heard else within):
            message = consumer.poll(0.1)
            if message is None:
                continue
            at = (message.topic() or "", message.partition() or 0)
            error = message.error()
            if error is None:
                found[at] = (message.offset() or 0) + 1
                heard.add(at)
            elif error.code() == KafkaError._PARTITION_EOF:
                open_ones.discard(at)
            else:
                raise KafkaException(error)
    untold = sorted(open_ones - heard)
    if untold:
        raise Unavailable(f"Kafka at {kafka_url} does not tell the ends of {untold}")
    return found


def _tail(kafka_url: str, ends: Mapping[tuple[str, int], int]) -> Consumer:
    config: dict[str, Any] = {
        "bootstrap.servers": kafka_url,
        "group.id": "pulse-lag",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "latest",
        "fetch.wait.max.ms": 20,
        "fetch.message.max.bytes": 65_536,
    }
    consumer = Consumer(config, logger=SILENT)
    consumer.assign([TopicPartition(topic, partition, end) for (topic, partition), end in ends.items()])
    return consumer
