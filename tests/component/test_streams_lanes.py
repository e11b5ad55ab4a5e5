"""The lane that yields, over a real broker: nothing counts twice or is lost, and nobody waits for it."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from clickhouse.client import Client
from pulse.lag import Log as Lags
from pulse.lag import total
from pulse.topics import EVENTS, RAW, REFINING, SLOW, partition_of
from tests.eventually import eventually
from tests.migrated import migrate
from tests.streaming import PARTITIONS, Line, Log, Streams, raw_event

Start = Callable[..., Streams]
LONG = 120


@pytest.fixture
def start(tmp_path: Path, clickhouse: str, log: Log) -> Iterator[Start]:
    """Starts workers over the broker: `start(**settings)`."""
    migrate(Client(clickhouse))
    begun: list[Streams] = []

    def begin(**settings: str) -> Streams:
        begun.append(Streams(tmp_path, log.servers, clickhouse, settings))
        begun[-1].start()
        return begun[-1]

    yield begin
    for each in begun:
        each.kill()


def test_an_event_that_comes_by_both_lanes_counts_once_over_deaths(start: Start, log: Log) -> None:
    dice = random.Random(7)
    sent: list[Line] = []
    streams = start()
    for _ in range(4):
        new = [raw_event() for _ in range(300)]
        again = dice.sample(sent, min(len(sent), 150))
        for topic, other in ((RAW, SLOW), (SLOW, RAW)):
            half = new[:200] if topic == RAW else new[100:]
            log.send([*half, *again[::2]], topic=topic)
            log.send(again[1::2], topic=other)
        sent += new
        wanted = {each["event_id"] for each in new}
        eventually(lambda: log.ids().keys() & wanted, within=LONG, every=0.2)  # noqa: B023
        streams.kill()
        streams = start()
    log.assert_exact({each["event_id"] for each in sent}, within=LONG)
    assert {place.log for place, _ in log.applied(EVENTS)} == set(log.broker.topic_ids(REFINING).values())
    eventually(lambda: streams.metric("pulse_stream_lag_seconds") == 0, within=LONG)


def test_partitions_of_both_lanes_move_together(start: Start, log: Log) -> None:
    first = start()
    ids = log.send([raw_event() for _ in range(300)], topic=SLOW)
    eventually(lambda: log.ids(), within=LONG, every=0.2)
    second = start()
    again: list[Line] = []
    for _ in range(5):
        events = [raw_event() for _ in range(200)]
        ids |= log.send(events, topic=RAW) | log.send([*events, *again], topic=SLOW)
        again = events
        time.sleep(0.5)
    first.kill()
    ids |= log.send(again, topic=SLOW)
    log.assert_exact(ids, within=LONG)
    second.await_ready()


@pytest.mark.timeout(900)
def test_an_import_and_a_flood_delay_nobody_on_their_partition(start: Start, log: Log) -> None:
    """A hundred thousand events yield; what others send meanwhile, on the same partition too, is there long before them."""
    partition, number = 0, 100_000
    bot = next(v for v in map(str, range(100)) if partition_of("shop", v, PARTITIONS) == partition)
    person = next(v for v in map(str, range(100, 200)) if partition_of("shop", v, PARTITIONS) == partition)
    flood = [raw_event(visitor_id=bot) for _ in range(1_000)]
    streams = start()
    streams.await_ready()
    log.send(flood, size=500, topic=SLOW)
    eventually(lambda: log.ids(), within=LONG, every=0.2)
    for _ in range(number // len(flood)):
        log.send([each | {"event_id": str(uuid4())} for each in flood], size=500, topic=SLOW)
    waits = []
    for _ in range(5):
        end = log.broker.ends([(EVENTS, partition)])[EVENTS, partition]
        began = time.monotonic()
        (sent,) = log.send([raw_event(visitor_id=person)])
        eventually(lambda: arrived(log, (EVENTS, partition), end, sent), within=LONG, every=0.02)  # noqa: B023
        waits.append(time.monotonic() - began)
    left = unread(log)
    assert left > 20, f"the flood was gone before that could be told: {left} records, {waits}"
    assert sorted(waits)[2] < 5, waits
    eventually(lambda: not unread(log), within=600, every=1)


def arrived(log: Log, where: tuple[str, int], since: int, event_id: str) -> bool:
    """Whether an event lies in a partition, from an offset on."""
    return any(event_id.encode() in (message.value() or b"") for message in log.broker.read(where, since))


def unread(log: Log) -> int:
    """Records of the lane that are still to be refined."""
    return total(Lags(log.servers).lags(((REFINING[SLOW], (SLOW,)),)))
