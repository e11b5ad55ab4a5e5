"""Duplicates whose first occurrence has left the exact memory: exact over restarts, rebalances and outages of the store."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clickhouse.client import Client
from pulse.lag import Log as Lags
from pulse.lag import total
from pulse.topics import EVENTS
from streams.load import Wanted, load, moments_of
from streams.older import Older
from streams.recent import array_of
from streams.seen import digest
from streams.suspicion import Origin, Suspected, ask, days_of
from tests.eventually import eventually
from tests.exact import Store, assert_exact
from tests.services import Service
from tests.storing import NOW_MS, Sink
from tests.storing import Log as Written
from tests.storing import events as stored_events
from tests.streaming import PARTITIONS, Line, Log, Streams, raw_event

HOUR = 3_600_000
DAY = 24 * HOUR
FEW = {"PULSE_DEDUP_RECENT": "120"}


@pytest.fixture
def workers(tmp_path: Path, sink: Sink) -> Iterator[list[Streams]]:
    """Two workers that remember hardly anything exactly, not started yet."""
    made = [Streams(tmp_path, sink.kafka, sink.clickhouse, FEW | {"PULSE_INSTANCE": name}) for name in ("one", "two")]
    yield made
    for each in made:
        each.kill()


def await_stored(store: Store, number: int) -> None:
    """Wait until so many events are stored."""
    eventually(lambda: store.events() >= number, 60, every=0.2)


def sent_in_turns(log: Log, store: Store, turns: int, before: int = 0) -> list[Line]:
    """Events a hundred at a time, each stored before the next is sent."""
    sent: list[Line] = []
    for turn in range(turns):
        some = [raw_event() for _ in range(100)]
        log.send(some)
        await_stored(store, before + (turn + 1) * 100)
        sent += some
    return sent


def metric(workers: list[Streams], name: str) -> float:
    return sum(worker.metric(name) for worker in workers if worker.running and worker.running.is_alive())


@pytest.mark.slow
def test_what_has_left_the_exact_memory_is_known_by_the_store_over_restarts_and_rebalances(
    log: Log, sink: Sink, workers: list[Streams]
) -> None:
    one, two = workers
    one.start()
    sent = sent_in_turns(log, sink.store, 6)
    log.send(sent[:300])
    log.send(sent[-50:])
    new = [raw_event() for _ in range(20)]
    log.send(new)
    await_stored(sink.store, 620)
    assert one.metric("pulse_refine_events_duplicate_total") == 350
    assert one.metric("pulse_refine_suspicions_total") >= 200

    one.kill()
    one.start()
    log.send(sent[::3])
    more = sent_in_turns(log, sink.store, 2, before=620)
    assert one.metric("pulse_refine_events_duplicate_total") == 200

    two.start()
    eventually(lambda: two.metric("pulse_refine_seen_ids") > 0 or log.send(more[:100]) is None, 60, every=0.5)
    log.send(sent + new + more)
    one.kill()
    last = [raw_event() for _ in range(30)]
    log.send(sent + last)
    await_stored(sink.store, 850)
    eventually(lambda: log_lag(log) == 0, 60, every=0.3)
    assert_exact(sink.store, (event["event_id"] for event in [*sent, *new, *more, *last]))
    assert [worker.log.read_text().count("SkippedError") for worker in workers] == [0, 0]


def _write_again(log: Log, which: int) -> None:
    """One early record of each partition of the refined events once more, as a worker does that had been frozen and was replaced."""
    for partition in range(PARTITIONS):
        early = list(log.broker.read((EVENTS, partition), 0))[which]
        headers = dict(early.headers() or [])
        log.put(early.value(), partition, EVENTS, headers=headers, timestamp=early.timestamp()[1])
    log.flush()


@pytest.mark.parametrize("which", [0, 2])
def test_who_goes_on_after_a_late_repetition_of_an_early_record_knows_what_came_after_it(
    log: Log, sink: Sink, workers: list[Streams], which: int
) -> None:
    worker = workers[0]
    worker.start()
    sent = sent_in_turns(log, sink.store, 4)
    eventually(lambda: log_lag(log) == 0, 60, every=0.3)
    worker.kill()
    _write_again(log, which)
    eventually(lambda: log_lag(log) == 0, 60, every=0.3)

    worker.start()
    log.send(sent)
    fresh = [raw_event() for _ in range(30)]
    log.send(fresh)
    await_stored(sink.store, 430)
    eventually(lambda: log_lag(log) == 0, 60, every=0.3)
    assert_exact(sink.store, (event["event_id"] for event in [*sent, *fresh]))
    assert worker.metric("pulse_refine_events_duplicate_total") == 400


def log_lag(log: Log) -> int:
    """Records that refinement or the sink have yet to take."""
    return total(Lags(log.servers).lags())


def _is_waiting(worker: Streams) -> bool:
    return worker.metric("pulse_refine_waiting") == 1


@pytest.mark.slow
def test_while_the_store_is_away_refinement_goes_on_as_far_as_it_may_and_no_further(
    log: Log, sink: Sink, store: Service, workers: list[Streams]
) -> None:
    [worker, _] = workers
    worker.start()
    sent = sent_in_turns(log, sink.store, 4)
    eventually(lambda: log_lag(log) == 0, 60, every=0.3)
    worker.kill()
    worker.start()  # what is stored is now in filters alone, so that there is room
    first = [raw_event(visitor_id="one"), *(raw_event() for _ in range(14))]
    log.send(first)
    await_stored(sink.store, 415)
    sent += first
    store.kill()
    known = len(log.events())
    fresh = [raw_event(visitor_id="one") for _ in range(20)]
    log.send(fresh)
    eventually(lambda: len(log.events()) == known + 20, 60)

    many = [raw_event() for _ in range(600)]
    for end in range(50, 650, 50):  # one part after the other, so that not all of it is taken at once
        log.send(many[end - 50 : end])
        eventually(lambda at=known + 20 + end: _is_waiting(worker) or len(log.events()) >= at, 60)  # type: ignore[misc]
    log.send(sent[:100])
    eventually(lambda: worker.checks()["store"] != "ok", 60)
    assert _is_waiting(worker)
    assert len(log.events()) < known + 620

    store.start()
    eventually(lambda: len(log.events()) == known + 620, 90, every=0.5)
    eventually(lambda: log_lag(log) == 0, 90, every=0.5)
    worker.await_ready()
    assert_exact(sink.store, (event["event_id"] for event in [*sent, *fresh, *many]))


@pytest.mark.slow
def test_an_sdk_that_sends_each_batch_up_to_three_times_over_a_day_counts_once(
    log: Log, sink: Sink, workers: list[Streams]
) -> None:
    """The log's time runs through 24 hours that end now; half of the clients send no time of their own."""
    [worker, _] = workers
    worker.start()
    begin, sent, ids = int(time.time() * 1000) - DAY, list[tuple[int, list[Line]]](), set[str]()
    for hour in range(24):
        now = begin + hour * HOUR
        batch = [raw_event(ts=now, received_at=now) for _ in range(25)]
        for event in batch[::2]:
            del event["ts"]
        sent.append((now, batch))
        ids |= {event["event_id"] for event in batch}
        again = [event for at, old in sent[:-1] if hour - (at - begin) // HOUR in (1, 2 + hour % 20) for event in old]
        log.send(batch + [event | {"received_at": now} for event in again], timestamp=now)
        if hour % 4 == 3:
            eventually(lambda: log_lag(log) == 0, 60, every=0.3)
        if hour == 12:
            worker.kill()
            worker.start()
    eventually(lambda: log_lag(log) == 0, 60, every=0.3)
    assert_exact(sink.store, ids)
    assert len(ids) == 24 * 25


def refined(line: Line, **fields: object) -> Suspected:
    known = {name: line[name] for name in ("site_id", "event", "event_id", "visitor_id", "ts", "received_at")}
    return Suspected(**(known | fields))


@pytest.mark.slow
def test_the_store_tells_where_the_same_event_came_from_and_which_ids_it_has(sink: Sink) -> None:
    written = Written(sink.kafka)
    lines = stored_events(1, 3_000)
    written.write(lines)
    await_stored(sink.store, 3_000)
    client = Client(sink.clickhouse)

    found = ask(client, [refined(line) for line in lines[:1_500]], DAY)
    assert found.keys() == {(line["site_id"], line["event_id"]) for line in lines[:1_500]}
    assert {type(origin) for origins in found.values() for origin in origins} == {Origin}
    late = [refined(line, ts=line["ts"] + 20 * HOUR, received_at=line["ts"] + 20 * HOUR) for line in lines[:50]]
    assert len(ask(client, late, DAY)) == 50
    assert not ask(client, [refined(line, event_id=lines[0]["event_id"]) for line in lines[1:50]], DAY)

    counted = 0
    for partition in range(3):
        older = Older(DAY, lambda: 1 << 30)
        moments = moments_of(NOW_MS - DAY + HOUR, DAY)
        counted += load(client, older, Wanted([written.id], partition, moments, [0, 5 << 10]))
        rows = sink.store.rows(f"SELECT site_id, event_id FROM events WHERE _partition = {partition}")
        assert older.holds(array_of(digest(site, id) for site, id in rows)[:, 0])[1].all()
    assert counted == 3_000
    others = Older(DAY, lambda: 1 << 30)
    everything = Wanted(["another log"], None, moments_of(NOW_MS - DAY, DAY), [], since=NOW_MS - DAY)
    assert load(client, others, everything) == 3_000
    assert load(client, Older(DAY, lambda: 1 << 30), everything._replace(logs=["another log", written.id])) == 0
    client.close()


def test_the_days_that_are_asked_for_are_those_on_which_it_may_be_stored() -> None:
    noon = 20_000 * DAY + 12 * HOUR
    event = Suspected(event="a", event_id="", site_id="", ts=noon, received_at=noon)
    assert days_of(event, DAY) == [19_999, 20_000]
    assert days_of(event, 7 * DAY) == list(range(19_993, 20_001))
    midnight = Suspected(event="a", event_id="", site_id="", ts=20_000 * DAY, received_at=20_005 * DAY)
    assert days_of(midnight, DAY) == [19_999, 20_000, 20_004, 20_005]
