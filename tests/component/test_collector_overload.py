"""More than can be worked off: 429 with what to do, for imports before the rest, and for one key alone."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from pulse.command.delivery import Delivered, Delivery
from pulse.topics import RAW, REFINING, SLOW, partition_of
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

    def __init__(self, bootstrap: str, topic: str = RAW) -> None:
        self._topic = topic
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": REFINING[topic]})
        self._stands = dict.fromkeys(range(PARTITIONS), 0)

    def read(self, more: int) -> None:
        """Read so many records more."""
        self._stands[partition_of(SITE, VISITOR, PARTITIONS)] += more
        stands = [TopicPartition(self._topic, *at) for at in self._stands.items()]
        self._consumer.commit(offsets=stands, asynchronous=False)

    def close(self) -> None:
        self._consumer.close()


def post(collector: Collector, age_s: float = 0) -> httpx.Response:
    """Send one event of the visitor, of so long ago."""
    ts = int((time.time() - age_s) * 1000)
    answer = collector.post({"event": "e", "visitor_id": VISITOR, "ts": ts}, key="importing")
    assert answer.status_code in (202, 429), answer.text
    return answer


def refused(collector: Collector, reading: Refinement, age_s: float = 0) -> httpx.Response:
    """The refusal that comes in the end where more is sent than is read, as long as it is taken."""
    for _ in range(400):
        reading.read(1)
        for _ in range(5):
            answer = post(collector, age_s)
            if answer.status_code == 429:
                return answer
        time.sleep(0.1)
    raise AssertionError("never refused")


def test_refinement_that_falls_behind_turns_events_away(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, {"PULSE_MAX_LAG_SECONDS": "8"}) as collector:
        eventually(lambda: collector.client.get("/health/ready").status_code == 200)
        reading = Refinement(broker.url)
        answer = refused(collector, reading)
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:pulse:problem:too_many_requests"
        assert "s of its work behind" in answer.json()["detail"]
        assert collector.metric("pulse_collector_behind_seconds") > 4
        assert collector.metric('pulse_collector_requests_total{status="429"}') > 0
        ready = collector.client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert "answered with 429" in ready.json()["checks"]["lag"]
        asked = collector.post({"event": "e"}, headers={"Pulse-Lane": "slow"})
        assert asked.status_code == 202, "the other lane is not behind"

        def is_taken_again() -> bool:
            reading.read(20)
            return post(collector).status_code == 202

        eventually(is_taken_again, within=90, every=0.3)
        reading.close()


def test_imports_that_are_behind_turn_imports_away_and_nobody_else(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, {"PULSE_MAX_LAG_SECONDS": "8"}) as collector:
        eventually(lambda: collector.client.get("/health/ready").status_code == 200)
        reading = Refinement(broker.url, SLOW)
        answer = refused(collector, reading, age_s=86_400)
        assert "what yields to other events" in answer.json()["detail"]
        asked = eventually(lambda: turned_away(collector), within=60)
        assert 0 < int(asked.headers["retry-after"]) <= 60
        assert post(collector).status_code == 202, "what the same key sends of now is live"
        assert collector.metric("pulse_collector_slow_behind_seconds") > 4
        assert collector.metric("pulse_collector_behind_seconds") == 0
        checks = collector.client.get("/health/ready").json()["checks"]
        assert checks["lag"] == "ok"
        assert "imports are answered with 429" in checks["slow_lag"]
        reading.close()


def turned_away(collector: Collector) -> httpx.Response:
    """The refusal of a request that asks to yield."""
    answer = collector.post({"event": "e"}, headers={"Pulse-Lane": "slow"})
    assert answer.status_code == 429
    return answer


def test_while_kafka_cannot_be_asked_nobody_is_turned_away_for_what_is_behind(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, {"PULSE_MAX_LAG_SECONDS": "4"}) as collector:
        eventually(lambda: collector.client.get("/health/ready").status_code == 200)
        reading = Refinement(broker.url)
        refused(collector, reading)
        reading.close()
        broker.kill()
        eventually(lambda: broker.url in collector.client.get("/health/ready").json()["checks"]["kafka"], within=60)
        assert post(collector).status_code == 202
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
