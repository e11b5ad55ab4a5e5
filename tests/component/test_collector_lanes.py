"""Lanes of the log: imports and floods go by one of their own, also through the spool, and all of it is accepted."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from pulse.topics import SLOW
from tests import services
from tests.collecting import Collector, collecting, create_raw, events, records, slow_events
from tests.eventually import eventually
from tests.services import Service


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Service]:
    """A broker of the test's own, with both lanes in memory."""
    service = services.embedded_kafka(tmp_path / "kafka")
    service.start()
    create_raw(service.url)
    yield service
    service.kill()


def is_ready(collector: Collector) -> bool:
    return set(collector.client.get("/health/ready").json()["checks"].values()) == {"ok"}


def yielding(collector: Collector, reason: str) -> float:
    return collector.metric(f'pulse_collector_events_yielding_total{{reason="{reason}"}}')


def test_a_flooding_visitor_goes_apart_and_the_others_do_not(broker: Service, tmp_path: Path) -> None:
    sent: set[str] = set()

    def flood() -> bool:
        some = [{"event": "e", "visitor_id": "bot", "event_id": str(uuid4())} for _ in range(500)]
        some += [{"event": "e", "visitor_id": f"v{n}", "event_id": str(uuid4())} for n in range(20)]
        assert collector.post(some).json() == {"accepted": 520, "refused": []}
        sent.update(each["event_id"] for each in some)
        return yielding(collector, "visitor") > 2_000

    with collecting(broker.url, tmp_path, {"PULSE_VISITOR_EVENTS_PER_SECOND": "50"}) as collector:
        eventually(lambda: is_ready(collector))
        eventually(flood, within=60, every=0.1)
        slow, live = slow_events(broker.url), events(broker.url)
        assert {event.visitor_id for event in slow} == {"bot"}
        assert len(slow) == yielding(collector, "visitor")
        assert len(slow) + len(live) == len(sent) == collector.metric("pulse_collector_events_accepted_total")
        assert {event.event_id for event in [*slow, *live]} == sent


def test_a_visitor_has_the_same_partition_in_either_lane(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path) as collector:
        eventually(lambda: is_ready(collector))
        old = int((time.time() - 86_400) * 1000)
        some = [{"event": "e", "visitor_id": f"v{n}", "ts": old} for n in range(50)]
        assert collector.post(some, "importing").status_code == 202
        assert collector.post([each | {"ts": None} for each in some]).status_code == 202
        places = [
            {event.visitor_id: record.partition for record in found for event in record.events}
            for found in (records(broker.url), records(broker.url, topic=SLOW))
        ]
        assert len(places[0]) == 50
        assert places[0] == places[1]
        assert yielding(collector, "old") == 50


@pytest.mark.parametrize("partitions", [4, 3])
def test_the_spool_keeps_the_lane_of_each_record(broker: Service, tmp_path: Path, partitions: int) -> None:
    with collecting(broker.url, tmp_path, {"PULSE_SPOOL_AFTER_MS": "1000"}) as collector:
        eventually(lambda: is_ready(collector))
        broker.kill()
        live = [{"event": "live", "visitor_id": f"v{n}"} for n in range(100)]
        assert collector.post(live).status_code == 202
        asked = [{"event": "slow", "visitor_id": f"v{n}"} for n in range(100)]
        assert collector.post(asked, headers={"Pulse-Lane": "slow"}).status_code == 202
        broker.start()
        create_raw(broker.url, partitions=partitions)
        eventually(lambda: is_ready(collector), within=60)
        assert yielding(collector, "asked") == 100
        assert {event.event for event in events(broker.url, partitions)} == {"live"}
        slow = events(broker.url, partitions, SLOW)
        assert {event.event for event in slow} == {"slow"}
        assert {event.visitor_id for event in slow} == {f"v{n}" for n in range(100)}


def test_a_log_without_the_second_lane_is_none(tmp_path: Path) -> None:
    service = services.embedded_kafka(tmp_path / "kafka")
    service.start()
    try:
        create_raw(service.url, topics=["pulse.events.raw"])
        with collecting(service.url, tmp_path, {"PULSE_SPOOL_MB": "0"}) as collector:
            wanted = f"no topic {SLOW}: run `python -m streams.topics`"
            eventually(lambda: wanted in collector.client.get("/health/ready").json()["checks"]["kafka"], within=60)
            assert collector.post({"event": "e"}).status_code == 503
    finally:
        service.kill()
