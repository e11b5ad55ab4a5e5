"""A raw log that was refined and stored, to be replayed: real Kafka and ClickHouse, refinement and sink in this process."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from clickhouse.client import Client
from clickhouse.replay import shadow, swap
from clickhouse.replay.difference import report_of
from clickhouse.sink.record import Record
from clickhouse.sink.write import Writer
from pulse.command.store import Store as Asked
from pulse.reconciling.cell import correction
from pulse.reconciling.compare import find
from pulse.reconciling.derived import DERIVED
from pulse.replaying.report import Report
from pulse.replaying.span import Span
from pulse.settings import Settings
from pulse.topics import EVENTS, METRICS, RAW, partition_of
from streams.memory import Memory
from streams.record import Made, Taken
from streams.refinement import refine, steps_of
from streams.replay.run import Replay
from streams.rollup import rollup
from tests import services
from tests.exact import Store
from tests.migrated import migrate
from tests.storing import lines_of
from tests.streaming import PARTITIONS, Line, Log

DAY_MS = 86_400_000
GEO = Path(__file__).with_name("data") / "geo.mmdb"


@contextmanager
def staged(clickhouse: str, folder: Path) -> Iterator["Stage"]:
    """A raw log in a folder, and a store."""
    kafka = services.embedded_kafka(folder)
    kafka.start()
    yield Stage(kafka.url, clickhouse)
    kafka.stop()


def commit(servers: str, offsets: Mapping[tuple[str, int], int]) -> None:
    """Say where refinement is to go on."""
    with closing(Consumer({"bootstrap.servers": servers, "group.id": "pulse-streams"})) as consumer:
        asked = [TopicPartition(*where, offset) for where, offset in offsets.items()]
        consumer.commit(offsets=asked, asynchronous=False)


class Stage:
    """A raw log and a store of the test's own; `rules` are further settings of refinement."""

    def __init__(self, kafka: str, clickhouse: str) -> None:
        self.settings = Settings(
            kafka_url=kafka, clickhouse_url=clickhouse, secret="s", partitions=PARTITIONS, networks="no such folder"
        )
        self.log = Log(kafka)
        self.client = Client(clickhouse)
        migrate(self.client)
        self.store = Store(clickhouse)
        self.now = int(time.time() * 1000)
        self.said: list[str] = []
        self._memories = {partition: Memory(DAY_MS) for partition in range(PARTITIONS)}
        self._read = dict.fromkeys(range(PARTITIONS), 0)

    @property
    def id(self) -> str:
        """The raw log's id."""
        return self.log.broker.topic_ids([RAW])[RAW]

    def send(self, lines: Sequence[Line], size: int = 20) -> None:
        """Write raw records, refine them and store what becomes of them."""
        self.log.send(lines, size)
        self.catch_up()

    def catch_up(self) -> None:
        """Refine and store what is in the raw log, and say so as the groups do."""
        self.write(self.refined())
        ends = {(RAW, partition): at for partition, at in self._read.items()}
        commit(self.log.servers, ends)

    def refined(self) -> list[Record]:
        """What refinement and rollup make of what is new in the raw log, as the sink takes it."""
        steps, log_id, found = steps_of(self.settings), self.id, []
        for partition in range(PARTITIONS):
            for message in self.log.broker.read((RAW, partition), self._read[partition]):
                offset = message.offset() or 0
                self._read[partition] = offset + 1
                taken = Taken(RAW, partition, offset, message.timestamp()[1], message.value() or b"")
                made = refine(taken, log_id, self._memories[partition], steps)
                if made is not None:
                    found += records_of([*made.refused, *made.events])
        return found

    def say_passed(self) -> None:
        """Say that refinement has read whatever there is."""
        commit(self.log.servers, {(RAW, partition): 1 << 40 for partition in range(PARTITIONS)})

    def of_another_log(self, log: str, lines: Sequence[Line]) -> list[Record]:
        """What the sink took of a log that is there no more."""
        found, steps = [], steps_of(self.settings)
        for partition in range(PARTITIONS):
            own = [line for line in lines if partition_of(line["site_id"], line["visitor_id"], PARTITIONS) == partition]
            made = refine(Taken(RAW, partition, 0, self.now, lines_of(own)), log, Memory(DAY_MS), steps)
            found += records_of(made.events if made else [])
        return found

    def write(self, records: Sequence[Record]) -> None:
        """Store records as a sink does."""
        writer = Writer(self.client, most_s=60)
        writer.begin()
        writer.store(records)

    def span(self, since: int | None = None, until: int | None = None, site: str = "") -> Span:
        """The last two days and the next, unless told otherwise."""
        return Span(since or self.now - 2 * DAY_MS, until or self.now + DAY_MS, site)

    def replay(self, name: str = "r", span: Span | None = None, **rules: object) -> Report:
        """Replay under further settings."""
        settings = self.settings.model_copy(update=rules)
        return Replay(settings, self.client, lambda what, done, of: self.said.append(what)).make(
            name, span or self.span()
        )

    def swap(self, name: str = "r", client: Client | None = None) -> int:
        """Swap a replay, and mend the aggregates."""
        months = swap.swap(shadow.find(client or self.client, name))
        self.mend()
        return months

    def mend(self) -> None:
        """Bring the minute aggregates to what the events say, as the command does."""
        asked = Asked(self.settings.clickhouse_url.get_secret_value())
        for (day,) in self.store.rows(
            "SELECT toDate(minute) FROM metrics_minute UNION DISTINCT SELECT toDate(ts) FROM events"
        ):
            found = find(DERIVED[0], day, "", PARTITIONS, lambda q, p: asked.records(q, p, 60), lambda: None)
            for each in found:
                row = correction(DERIVED[0], each)
                columns = ", ".join(row)
                values = ", ".join(f"'{value}'" for value in row.values())
                self.client.command(f"INSERT INTO metrics_minute ({columns}) VALUES ({values})")

    def show(self, name: str = "r") -> Report:
        """The report of a replay by what is stored now."""
        return report_of(shadow.find(self.client, name))

    def rows(self) -> list[list[str]]:
        """All rows that are stored, with their places."""
        return self.store.rows("SELECT * FROM events ORDER BY ALL")

    def places(self) -> list[list[str]]:
        """What the sink goes by."""
        return self.store.rows(
            "SELECT toYYYYMM(ts) AS month, _log, _partition, max(_place) FROM events GROUP BY ALL ORDER BY ALL"
        )

    def tables(self) -> list[str]:
        """The tables of replays."""
        return [
            row[0]
            for row in self.store.rows(
                "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 'replay_') ORDER BY name"
            )
        ]


def records_of(made: Iterable[Made]) -> list[Record]:
    """What was made for the log, and the rollup's part of it, as the sink takes it."""
    found = []
    for each in made:
        found.append(Record(each.topic, each.partition, each.place.offset, each.place, each.value, ledger=each.ledger))
        if each.topic == EVENTS:
            headers = (("place", each.place.encode()),)
            taken = Taken(EVENTS, each.partition, each.place.offset, each.timestamp, each.value, headers)
            for sums in rollup(taken, PARTITIONS):
                found.append(Record(METRICS, sums.partition, each.place.offset, sums.place, sums.value))
    return found
