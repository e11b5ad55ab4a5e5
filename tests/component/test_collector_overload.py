"""More than can be worked off: 429 with what to do, for imports before the rest, and for one key alone."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from pulse.command.delivery import Delivered, Delivery
from pulse.topics import RAW, partition_of
from tests import services
from tests.collecting import PARTITIONS, SITE, Collector, collecting, create_raw
from tests.eventually import eventually
from tests.services import Service

VISITOR = "v"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Service]:
    """A broker of the test's own, with the raw log in memory."""
    service = services.embedded_kafka(tmp_path / "kafka")
    service.start()
    create_raw(service.url)
    yield service
    service.kill()


class Refinement:
    """Something that reads one visitor's records as refinement does, as far as it is told to."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "pulse-streams"})
        self._stands = dict.fromkeys(range(PARTITIONS), 0)

    def read(self, more: int) -> None:
        """Read so many records more."""
        self._stands[partition_of(SITE, VISITOR, PARTITIONS)] += more
        stands = [TopicPartition(RAW, *at) for at in self._stands.items()]
        self._consumer.commit(offsets=stands, asynchronous=False)

    def close(self) -> None:
        self._consumer.close()


def post(collector: Collector, key: str) -> httpx.Response:
    """Send one event of the visitor."""
    answer = collector.post({"event": "e", "visitor_id": VISITOR}, key=key)
    assert answer.status_code in (202, 429), answer.text
    return answer


def refused(collector: Collector, key: str, reading: Refinement) -> httpx.Response:
    """The refusal that comes in the end where more is sent than is read, as long as it is taken."""
    for _ in range(400):
        reading.read(1)
        for _ in range(5):
            answer = post(collector, key)
            if answer.status_code == 429:
                return answer
        time.sleep(0.1)
    raise AssertionError("never refused")


def test_refinement_that_falls_behind_turns_imports_away_and_then_all(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, {"PULSE_MAX_LAG_SECONDS": "8"}) as collector:
        eventually(lambda: collector.client.get("/health/ready").status_code == 200)
        reading = Refinement(broker.url)
        imports = refused(collector, "importing", reading)
        assert "imports yield to other events" in imports.json()["detail"]
        assert 0 < int(imports.headers["retry-after"]) <= 60
        answer = refused(collector, "secret", reading)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:pulse:problem:too_many_requests"
        assert "s of its work behind" in answer.json()["detail"]
        assert collector.metric("pulse_collector_behind_seconds") > 4
        assert collector.metric('pulse_collector_requests_total{status="429"}') > 0
        ready = collector.client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert "answered with 429" in ready.json()["checks"]["lag"]

        def is_taken_again() -> bool:
            reading.read(20)
            return post(collector, "importing").status_code == 202

        eventually(is_taken_again, within=90, every=0.3)
        reading.close()


def test_while_kafka_cannot_be_asked_nobody_is_turned_away_for_what_is_behind(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, {"PULSE_MAX_LAG_SECONDS": "4"}) as collector:
        eventually(lambda: collector.client.get("/health/ready").status_code == 200)
        reading = Refinement(broker.url)
        refused(collector, "importing", reading)
        reading.close()
        broker.kill()
        eventually(lambda: broker.url in collector.client.get("/health/ready").json()["checks"]["kafka"], within=60)
        assert post(collector, "importing").status_code == 202
        assert collector.client.get("/health/ready").json()["checks"]["lag"] == "ok"


def test_a_key_that_sends_more_than_it_may_is_told_so_and_others_are_not(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, {"PULSE_KEY_EVENTS_PER_SECOND": "0.5"}) as collector:
        eventually(lambda: collector.client.get("/health/ready").status_code == 200)
        first = collector.post({"event": "e"})
        assert (first.status_code, first.headers["ratelimit-limit"]) == (202, "1")
        assert first.headers["ratelimit-remaining"] == "0"
        answer = eventually(lambda: over_quota(collector), within=60)
        assert int(answer.headers["retry-after"]) > 0
        assert set(answer.headers) >= {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}
        assert "0.5 events a second" in answer.json()["detail"]
        assert collector.post({"event": "e"}, key="importing").status_code == 202
        eventually(lambda: collector.post({"event": "e"}).status_code == 202, within=60, every=0.2)


def over_quota(collector: Collector) -> httpx.Response:
    answer = collector.post({"event": "e"})
    assert answer.status_code == 429
    return answer


def test_who_is_told_to_wait_waits_however_little_patience_there_is(broker: Service, tmp_path: Path) -> None:
    waited: list[str] = []
    accepted = 0

    def done(delivered: Delivered[int]) -> None:
        nonlocal accepted
        accepted += delivered.answer.accepted

    with collecting(broker.url, tmp_path, {"PULSE_KEY_EVENTS_PER_SECOND": "1000"}) as collector:
        eventually(lambda: collector.client.get("/health/ready").status_code == 200)
        with Delivery(collector.url, collector.keys["secret"], done, waited.append, patience_s=0) as delivery:
            for number in range(6_000):
                delivery.send(number, b'{"event":"e"}')
            delivery.finish()
    assert accepted == 6_000
    assert waited
    assert all("1000 events a second" in why for why in waited)
