"""What each stage costs alone, µs of CPU an event: `python -m bench limits`; `bench short` and `bench sustained` say it too.

Collector, refinement and sink as pure functions, warm; the store as one process that is given blocks of 50,000 rows, with all
its views; the broker, Apache Kafka or with --embedded the other, through which the events go raw and refined once each, its clients told apart.
What the whole costs cannot be less than their sum, and so the rate that two cores hold no more than 2 s over it.
"""

import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time

import psutil
from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition
from pydantic import SecretStr

from bench.collector import pure
from bench.evidence import Evidence, begin
from bench.options import parser
from bench.sink import best, conversions, inserted, refined, store
from bench.streams import records, refining, timed
from clickhouse.sink.write import Writer
from deploy.local import apache_kafka, port, tansu
from deploy.local.process import Running
from pulse.settings import Settings
from pulse.topics import DAY_MS, MAX_RECORD_BYTES, RAW
from streams.memory import Memory
from streams.refinement import refine, steps_of
from tests.collecting import create_raw

EVENTS = 20_000
BLOCK = 50_000
A_RECORD = 500
CARRIED = 200_000
PARTITIONS = 4
ROUNDS = 4
TIMES = 3_000_000

Limits = dict[str, float]


def main(words: list[str]) -> int:
    """Measure, and keep it."""
    asked = parser(__doc__, rate=None).parse_args(words)
    told(begin("limits", asked), asked.embedded)
    return 0


def told(evidence: Evidence, embedded: bool) -> None:
    """Measure, print, and take the figures into a run's evidence; `embedded` is which broker."""
    found = measured(embedded)
    evidence.raw("limits", found)
    for name in found:
        unit = "s" if name.startswith("a loop") else "µs/event"
        print(f"alone: {name:38} {evidence.figure(f'alone: {name}', unit, 'limits', name):6.2f} {unit}", flush=True)


def measured(embedded: bool) -> Limits:
    """The stages; and how fast this machine is just now, as the time of a loop of Python."""
    speed = loop()
    pures = clean()
    stored = storing()
    carried = carrying(embedded)
    whole = (
        pures["collector, batches of 500"]
        + pures["refinement, 500 a record"]
        + sum(stored.values())
        + carried["broker"]
    )
    return {"a loop of 3,000,000 turns": speed} | pures | stored | carried | {"all, clients of the log left out": whole}


def loop() -> float:
    """Seconds of a loop of Python: the same on a machine at rest, so that it tells one that is not."""
    began, total = perf_counter(), 0
    for turn in range(TIMES):
        total += turn
    return perf_counter() - began


def clean() -> Limits:
    """The pure parts of collector and refinement."""
    steps = steps_of(Settings(secret=SecretStr("a secret of the bench")))
    some = records(EVENTS // A_RECORD, A_RECORD, random.Random(1))
    return {
        "collector, batches of 500": pure(500),
        "collector, single events": pure(1),
        "refinement, 500 a record": timed(refining(some, steps), EVENTS),
    }


def storing() -> Limits:
    """The sink's own work, and ClickHouse's for its inserts."""
    events, partials = refined(BLOCK)
    own = sum(best(work, BLOCK) for work in conversions(events, partials).values())
    with store() as (client, server, _):

        def insert() -> None:
            writer = Writer(client)
            writer.begin()
            writer.store([*events, *partials])

        _, theirs, _ = inserted(client, server, BLOCK, insert)
    return {"sink, blocks of 50,000": own, "ClickHouse, blocks of 50,000": theirs}


def carrying(embedded: bool) -> Limits:
    """An event's two ways through the log: the broker's share, and that of a producer and a consumer of librdkafka."""
    at = port.free()
    with tempfile.TemporaryDirectory() as folder:
        broker = tansu.start(Path(folder), at) if embedded else apache_kafka.start(Path(folder), at, port.free())
        try:
            create_raw(f"127.0.0.1:{at}", PARTITIONS)
            payloads = _payloads()
            rounds = [_carry(f"127.0.0.1:{at}", broker, payloads) for _ in range(ROUNDS)]
        finally:
            broker.kill()
    return {"broker": min(server for server, _ in rounds), "clients of the log": min(own for _, own in rounds)}


def _payloads() -> list[bytes]:
    """Records as they go through the log, raw and refined."""
    steps, memory = steps_of(Settings(secret=SecretStr("a secret of the bench"))), Memory(DAY_MS)
    raw = records(EVENTS // A_RECORD, A_RECORD, random.Random(1))
    made = [record for each in raw if (done := refine(each, "log", memory, steps)) for record in done.events]
    return [each.value for each in raw] + [each.value for each in made]


def _carry(url: str, broker: Running, payloads: Sequence[bytes]) -> tuple[float, float]:
    """µs of CPU an event of the broker and of its clients, of one round."""
    times, awaited = CARRIED // EVENTS, 0
    process = psutil.Process(broker.pid)
    theirs, ours = sum(process.cpu_times()[:2]), process_time()
    consumer = Consumer({"bootstrap.servers": url, "group.id": "limits", "enable.auto.commit": False})
    consumer.assign([TopicPartition(RAW, n, OFFSET_END) for n in range(PARTITIONS)])
    consumer.poll(1)
    producer = Producer(
        {
            "bootstrap.servers": url,
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "zstd",
            "message.max.bytes": MAX_RECORD_BYTES + 100_000,
        }
    )
    for _ in range(times):
        for n, payload in enumerate(payloads):
            producer.produce(RAW, payload, partition=n % PARTITIONS)
            awaited += 1
        producer.flush()
    while awaited > 0 and (message := consumer.poll(10)) is not None:
        awaited -= message.error() is None
    consumer.close()
    spent = sum(process.cpu_times()[:2]) - theirs, process_time() - ours
    return spent[0] / CARRIED * 1e6, spent[1] / CARRIED * 1e6


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
