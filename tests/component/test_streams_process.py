"""The streams over a real broker: what goes in comes out enriched, once, with its place."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import json

from clickhouse.client import Client
from pulse.topics import CONFIG, EVENTS, METRICS, RAW, REJECTED
from streams.app import GROUP
from tests import services
from tests.eventually import eventually
from tests.migrated import migrate
from tests.services import Service
from tests.streaming import PARTITIONS, Log, Streams, raw_event

POISON: list[bytes | None] = [
    None,
    b"",
    b"\n\n",
    b"broken",
    b"\x00\xff" * 500,
    b"[1,2]",
    b'{"event":"a"}',
    b'{"event":"a","site_id":"shop","event_id":"no"}',
    b'{"event":"a","site_id":"shop","x":' + b"[" * 100_000,
    b'{"event":"a","site_id":"shop","ts":1e999}',
    b"\n" * 100_000,
    b"x" * 900_000,
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A broker for this module alone, since the topics' names are given."""
    made = services.embedded_kafka(tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def log(broker: Service) -> Log:
    return Log(broker.url)


@pytest.fixture
def streams(tmp_path: Path, log: Log, clickhouse: str) -> Iterator[Streams]:
    migrate(Client(clickhouse))
    made = Streams(tmp_path, log.servers, clickhouse)
    made.start()
    yield made
    made.kill()


def test_events_come_out_enriched_once_with_their_place_and_counted(streams: Streams, log: Log) -> None:
    sent = [raw_event() for _ in range(300)]
    ids = log.send(sent)
    log.send(sent[::3])
    for value in POISON:
        log.put(value)
    log.flush()
    ids |= log.send([raw_event() for _ in range(30)])
    log.assert_exact(ids)

    event = next(event for event in log.events() if event["event_id"] == sent[0]["event_id"])
    assert (event["channel"], event["browser"], event["host"], event["ip"]) == (
        "paid search",
        "Chrome",
        "shop.example",
        "203.0.113.0",
    )
    raw_id = log.broker.topic_ids([RAW])[RAW]
    for topic in (EVENTS, REJECTED):
        for place, message in log.applied(topic):
            assert (place.log, place.partition) == (raw_id, message.partition())
    assert {place.log for place, _ in log.applied(METRICS)} == {raw_id}

    reasons = sorted(line["reason"] for line in log.rejected())
    assert reasons == ["invalid", "invalid", "invalid", "malformed", "malformed", "no_site", "too_large", "too_large"]
    streams.await_ready()
    assert streams.metric("pulse_refine_events_kept_total") == 330
    assert streams.metric("pulse_refine_events_duplicate_total") == 100
    assert streams.metric("pulse_refine_events_rejected_total") == len(reasons)
    assert streams.metric("pulse_refine_seen_ids") == 330
    eventually(lambda: streams.metric("pulse_stream_lag_seconds") == 0)

    assert streams.stop() == 0
    again = Streams(streams.folder, streams.kafka, streams.clickhouse)
    before = [len(log.read(topic)) for topic in (RAW, EVENTS, METRICS)]
    again.start()
    ids |= log.send([raw_event(), *sent[:10]])
    log.assert_exact(ids)
    raw, events, metrics = (
        len(log.read(topic)) - then for topic, then in zip((RAW, EVENTS, METRICS), before, strict=True)
    )
    assert (events, metrics) == (raw, 1)
    again.kill()


def test_what_a_site_does_not_keep_is_taken_from_what_came_by_no_collector(
    tmp_path: Path, log: Log, clickhouse: str
) -> None:
    def announce(site: str, mode: str) -> None:
        log.put(json.encode({"id": site, "mode": mode}), topic=CONFIG, key=f"site:{site}")
        log.flush()

    told = {"visitor_id": "v-81", "user_id": "ada", "fingerprint_id": "f9f9"}

    def is_hidden(site: str) -> bool:
        (id,) = log.send([raw_event(site_id=site, **told)])
        [event] = eventually(lambda: [each for each in log.events() if each["event_id"] == id])
        assert (event["visitor_id"] != "v-81") is ("fingerprint_id" not in event) is ("user_id" not in event)
        return "fingerprint_id" not in event

    migrate(Client(clickhouse))
    announce("hidden", "anonymous")
    announce("hidden-later", "standard")
    log.put(b"no record", topic=CONFIG, key="site:hidden")
    log.flush()
    made = Streams(tmp_path, log.servers, clickhouse)
    made.start()
    assert [is_hidden(site) for site in ("hidden", "hidden-later", "shop")] == [True, False, False]
    announce("hidden-later", "anonymous")
    eventually(lambda: is_hidden("hidden-later"))
    announce("hidden", "standard")
    eventually(lambda: not is_hidden("hidden"))
    made.kill()


CRASHING = """
import streams.agents.refine

def fault(*_):
    raise ZeroDivisionError("a fault of the agent")

streams.agents.refine.{} = fault
from streams.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "at", ["settle", "Refine._deliver_metrics"], ids=["before anything is written", "before what is written is counted"]
)
def test_a_fault_of_the_agent_ends_the_process_and_acknowledges_nothing(
    tmp_path: Path, clickhouse: str, at: str
) -> None:
    broker = services.embedded_kafka(tmp_path / "broker")
    broker.start()
    log = Log(broker.url)
    ids = log.send([raw_event() for _ in range(600)], size=1)  # more than one batch, so that some wait behind the fault
    migrate(Client(clickhouse))
    crashing = Streams(tmp_path, broker.url, clickhouse, command=("-c", CRASHING.format(at)))
    crashing.start()
    assert crashing.exit_code(within=60) == 1
    assert "a fault of the agent" in crashing.log.read_text()
    assert set(log.broker.starts(GROUP, [(RAW, n) for n in range(PARTITIONS)]).values()) == {0}
    assert not log.read(METRICS)
    sound = Streams(tmp_path, broker.url, clickhouse)
    sound.start()
    log.assert_exact(ids)
    sound.kill()
    broker.kill()
