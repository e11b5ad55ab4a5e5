"""The sink's loop: gather a block, store it, commit; after any failure begin anew from what ClickHouse says."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from logging import getLogger
from math import inf
from threading import Event
from typing import Any

from confluent_kafka import KafkaException, Message

from clickhouse.client import Client
from clickhouse.sink import alerts, config, meters
from clickhouse.sink.awake import Awake
from clickhouse.sink.identity import Identity
from clickhouse.sink.reader import Reader, Where
from clickhouse.sink.record import Record, lines_in
from clickhouse.sink.shards import Shards
from clickhouse.sink.write import Note, nobody
from pulse import topics
from pulse.errors import PlaceError, QueryError, Unavailable
from pulse.fencing import Fencing
from pulse.ledger import header_of
from pulse.place import Place, place_of
from pulse.settings import Settings

IDLE_S = 0.5
SLICE_S = 0.05
MOST_BYTES = 64 * 1024 * 1024
FEWEST_ROWS = 500
"""A block may shrink to so many rows where larger ones take too long: see `Sink._wait_after`."""
SHORTEST_WAIT_S = 0.2
"""A store merges some ten blocks a second and table at ease."""
SHORTEST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0

log = getLogger(__name__)


@dataclass
class Block:
    """What has been gathered and not yet stored, and how far it reaches in each partition."""

    records: list[Record] = field(default_factory=list)
    saved: list[config.Saved] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)
    next: dict[Where, int] = field(default_factory=dict)
    rows: int = 0
    size: int = 0
    began: float = 0.0


def gathering_s(rows: int, full: int, wait_s: float, took_s: float) -> float:
    """For how many seconds a block of so many rows gathers, where the last one took so long to store.

    Twice as long as that, at most `wait_s`: a machine with time to spare is asked more often. Twice `wait_s` once the block is half
    full: the store writes a row anew with each merge that it goes through, and those are fewer the larger its block was.
    """
    return wait_s * 2 if rows * 2 >= full else min(wait_s, max(took_s * 2, SHORTEST_WAIT_S))


class Sink:
    """Reads the topics into ClickHouse until `stop` is set."""

    def __init__(
        self, settings: Settings, clients: Sequence[Client], identity: Identity, stop: Event, note: Note = nobody
    ) -> None:
        self.clickhouse = "not asked yet"
        self._settings = settings
        self._identity = identity
        self._stop = stop
        most_s = settings.session_timeout_ms / 2000
        self._awake = Awake(most_s)
        self._shards = Shards(clients, most_s, note, self._awake.stood_still)
        self._reader = Reader(settings, self._leave)
        self._fencing = Fencing(stop.wait)
        self._block = Block()
        self._applied: dict[tuple[Where, str, int], int] = {}
        self._unchecked: dict[Where, int] = {}
        self._rewound: dict[Where, int] = {}
        self._logs: set[str] = set()
        self._pause_s = SHORTEST_PAUSE_S
        self._full = settings.sink_rows
        self._took_s = inf

    def run(self) -> None:
        """Return when `stop` is set and what was gathered is stored, or cannot be just now.

        Raises ReplacedError where the log is another than at first, KafkaException where Kafka will not have us; a sink
        that is fenced, or outside of its group for too long, joins anew some times.
        """
        self._awake.begin()
        try:
            self._reader.join()
            while not self._stop.is_set():
                try:
                    self._turn()
                except KafkaException as error:
                    self._reader.joined = False
                    self._fencing.bear(error)
                    log.warning("joining Kafka anew: %s", error.args[0].str())
                    self._reader.renew()
            self._reader.leave({} if self._reader.moved else self._kept())
        finally:
            self._awake.end()

    def checks(self) -> dict[str, str]:
        """What the sink needs, each with "ok" or what is wrong with it."""
        kafka = self._identity.state
        if kafka == "ok" and not self._reader.joined:
            kafka = "waiting for the group"
        return {"kafka": kafka, "clickhouse": self._clickhouse_now()}

    def _clickhouse_now(self) -> str:
        if self.clickhouse == "ok":
            try:
                self._shards.ping()
            except (Unavailable, QueryError) as error:
                return str(error)
        return self.clickhouse

    def _turn(self) -> None:
        try:
            self._step()
        except (Unavailable, QueryError) as error:
            self._wait_after(error)

    def _step(self) -> None:
        if self._reader.moved:
            self._begin()
        else:
            self._gather()
            self._store()

    def _begin(self) -> None:
        self._forget()
        if not self._reader.has_partitions:
            self._reader.demand_group()
            self._reader.first(IDLE_S)
            return
        self._asking(lambda: self._shards.begin(self._reader.partitions))
        self._unchecked = self._reader.begin()
        meters.BEGINNINGS.inc()
        log.info("begun", extra={"before": {f"{topic}/{n}": at for (topic, n), at in self._unchecked.items()}})

    def _gather(self) -> None:
        messages = self._reader.first(IDLE_S)
        self._block.began = time.monotonic()
        while not self._reader.moved and (messages or self._block.next):
            for message in messages:
                self._take(message)
            left = self._left()
            if left <= 0 or self._is_full() or self._stop.is_set():
                return
            messages = self._reader.more(min(left, SLICE_S))

    def _left(self) -> float:
        rows, settings = self._block.rows, self._settings
        wait_s = gathering_s(rows, settings.sink_rows, settings.sink_wait_ms / 1000, self._took_s)
        return self._block.began + wait_s - time.monotonic()

    def _is_full(self) -> bool:
        return self._block.rows >= self._full or self._block.size >= MOST_BYTES

    def _take(self, message: Message) -> None:
        where, offset = (message.topic() or "", message.partition() or 0), message.offset() or 0
        if offset > self._rewound.pop(where, offset):
            self._rewound[where] = offset
            return
        if where[0] == topics.CONFIG:
            self._block.saved.append(config.Saved(message.key() or b"", message.value()))
            self._pass(where, offset)
            return
        if where[0] == topics.ALERTS:
            self._block.told.append(message.value() or b"")
            self._block.rows += 1
            self._pass(where, offset)
            return
        record = self._record(message, where, offset)
        expected = self._unchecked.pop(where, None)
        if expected is None:
            self._pass(where, offset)
            self._put(record, where)
        elif expected == offset and self._shards.has(record):
            self._pass(where, offset)
        else:
            log.warning(
                "ClickHouse lacks what was committed: reading again", extra={"partition": where, "offset": offset}
            )
            self._rewound[where] = offset
            self._reader.rewind(where)

    def _pass(self, where: Where, offset: int) -> None:
        self._block.next[where] = offset + 1

    def _put(self, record: Record, where: Where) -> None:
        place = record.place
        row = (where, place.log, place.partition)
        if place.number <= self._applied.get(row, -1):
            meters.SKIPPED.labels(record.topic).inc()
            return
        if place.log not in self._logs:
            # also the first since we began: a topic that was made anew meanwhile is read on where the old one ended, without
            # a word of it, and what it holds before that would be hidden for ever by the places of what comes after
            self._identity.check()
            self._logs.add(place.log)
        self._applied[row] = place.number
        self._block.records.append(record)
        self._block.rows += lines_in(record.value)
        self._block.size += len(record.value) + len(record.ledger or b"")

    def _record(self, message: Message, where: Where, offset: int) -> Record:
        value = message.value() or b""
        headers: Any = message.headers()
        try:
            return Record(*where, offset, place_of(headers), value, ledger=header_of(headers))
        except PlaceError as error:
            own = Place(f"{where[0]}@{self._identity.ids[where[0]]}", where[1], offset)
            return Record(*where, offset, own, value, fault=str(error))

    def _store(self) -> None:
        block, began = self._block, time.monotonic()
        if block.records:
            self._asking(lambda: self._shards.store(block.records))
        if block.saved:
            self._asking(lambda: self._shards.first.insert("config", config.rows_of(block.saved)))
        if told := alerts.notices_of(block.told):
            self._asking(lambda: self._shards.first.insert("alert_history", alerts.rows_of(told)))
        self._identity.demand()
        if block.next:
            self._reader.commit(block.next)
            self._pause_s = SHORTEST_PAUSE_S
            self._full = min(self._full * 2, self._settings.sink_rows)
            self._took_s = inf if self._shards.are_many else time.monotonic() - began
            meters.BLOCK_SECONDS.observe(time.monotonic() - block.began)
            log.debug("stored", extra={"records": len(block.records), "rows": block.rows})
        self._reader.measure()
        self._block = Block()

    def _leave(self) -> None:
        self._reader.commit(self._kept(), wait=True)

    def _kept(self) -> dict[Where, int]:
        """Store what is gathered, if ClickHouse will, and say how far that is; else it is for whoever comes next."""
        reached = dict(self._block.next)
        try:
            self._store()
        except (Unavailable, QueryError) as error:
            log.warning("what was gathered is left for later: %s", error)
            reached = {}
        self._forget()
        return reached

    def _forget(self) -> None:
        self._block = Block()
        for known in (self._applied, self._unchecked, self._rewound, self._logs):
            known.clear()

    def _wait_after(self, error: Exception) -> None:
        """Wait a little, and gather less: on a machine that is starved, a block may take longer than is allowed."""
        self._full = max(self._full // 2, min(FEWEST_ROWS, self._settings.sink_rows))
        log.warning("%s; beginning anew in %.1f s", error, self._pause_s)
        self._reader.pause()
        self._forget()
        self._reader.measure(ask=True)
        until = time.monotonic() + self._pause_s
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        while not self._stop.is_set() and (left := until - time.monotonic()) > 0:
            self._reader.first(min(left, IDLE_S))

    def _asking(self, ask: Callable[[], None]) -> None:
        try:
            ask()
        except (Unavailable, QueryError) as error:
            self.clickhouse = str(error)
            raise
        self.clickhouse = "ok"
