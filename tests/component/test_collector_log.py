"""The collector and its log: few records for many requests, 503 while the broker is away, nothing lost at the end."""

import gzip
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from deploy.local import probe
from pulse.errors import PulseError
from pulse.topics import MAX_RECORD_BYTES
from tests import services
from tests.collecting import Collector, collecting, create_raw, events, records
from tests.eventually import eventually
from tests.services import Service

QUICK = {"PULSE_PRODUCE_TIMEOUT_MS": "2000", "PULSE_SPOOL_MB": "0"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Service]:
    """A broker of the test's own, with the raw log in memory."""
    service = services.embedded_kafka(tmp_path / "kafka")
    service.start()
    create_raw(service.url)
    yield service
    service.kill()


@pytest.fixture
def lasting_broker(tmp_path: Path) -> Iterator[Service]:
    """An Apache Kafka of the test's own, whose log outlives it."""
    service = services.kafka(tmp_path / "kafka")
    service.start()
    create_raw(service.url)
    yield service
    service.kill()


def is_ready(collector: Collector) -> bool:
    return collector.client.get("/health/ready").status_code == 200


class Senders:
    """Many clients that send event after event until told to stop, and keep what was answered."""

    def __init__(self, collector: Collector, clients: int) -> None:
        self._collector = collector
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(clients)
        self.accepted: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.refusals: list[httpx.Response] = []
        self._running = [self._threads.submit(self._send, number) for number in range(clients)]

    def stop(self) -> None:
        self._stop.set()
        for running in self._running:
            running.result()

    def _send(self, client: int) -> None:
        headers = {"x-api-key": self._collector.keys["secret"]}
        with httpx.Client(base_url=self._collector.url, timeout=30, headers=headers) as http:
            number = 0
            while not self._stop.is_set():
                name = f"{client}.{number}"
                number += 1
                with suppress(httpx.TransportError):
                    answer = http.post("/v1/events", json={"event": name})
                    self.statuses[answer.status_code] += 1
                    if answer.status_code == 202:
                        self.accepted.append(name)
                    else:
                        self.refusals.append(answer)


def test_a_lone_event_is_acknowledged_at_once(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, {"PULSE_LINGER_MS": "1000"}) as collector:
        eventually(lambda: is_ready(collector))
        collector.post({"event": "first"})
        took = []
        for _ in range(20):
            begun = time.monotonic()
            assert collector.post({"event": "e"}).status_code == 202
            took.append(time.monotonic() - begun)
        assert min(took) < 1, "every one was held back for others"


def test_concurrent_requests_share_few_records(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, {"PULSE_LINGER_MS": "100"}) as collector:
        eventually(lambda: is_ready(collector))
        senders = Senders(collector, 40)
        eventually(lambda: len(senders.accepted) >= 800)
        senders.stop()
    found = records(broker.url)
    assert sorted(event.event for record in found for event in record.events) == sorted(senders.accepted)
    assert len(found) < len(senders.accepted) / 4


def test_a_large_request_is_cut_into_records_that_the_broker_takes(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path) as collector:
        eventually(lambda: is_ready(collector))
        sent = [
            {"event": str(n), "visitor_id": "one", "properties": {"p": os.urandom(4_500).hex()}} for n in range(2_000)
        ]
        answer = collector.post(sent)
        assert answer.json() == {"accepted": 2_000, "refused": []}
    found = [record for record in records(broker.url) if record.events]
    assert [int(event.event) for record in found for event in record.events] == list(range(2_000))
    assert all(len(record.value) <= MAX_RECORD_BYTES for record in found)


def test_a_new_embedded_broker_is_taken_for_the_old_one(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, QUICK) as collector:
        eventually(lambda: is_ready(collector))
        assert collector.post({"event": "before"}).status_code == 202
        broker.kill()
        answer = eventually_unavailable(collector)
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"] == "application/problem+json"
        eventually(lambda: not is_ready(collector))
        checks = collector.client.get("/health/ready").json()["checks"]
        assert broker.url in checks["kafka"]
        assert checks["keys"] == "ok"
        broker.start()
        create_raw(broker.url, partitions=3)
        eventually(lambda: collector.post({"event": "after"}).status_code == 202)
        assert events(broker.url, 3)[0].event == "after"
        assert is_ready(collector)


def eventually_unavailable(collector: Collector) -> httpx.Response:
    """The answer of a broker that is away, which comes before the client has enough."""
    answer = collector.post({"event": "unheard"})
    assert answer.status_code == 503
    return answer


def test_a_broker_that_hangs_is_503_in_time_and_then_at_once(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, QUICK) as collector:
        eventually(lambda: is_ready(collector))
        assert collector.post({"event": "before"}).status_code == 202
        process = getattr(broker, "running").pid  # noqa: B009 - embedded brokers are always processes
        os.kill(process, signal.SIGSTOP)
        lead = collector.client.post(
            "/lead", json={"name": "Ada"}, headers={"x-api-key": collector.keys["secret"]}, timeout=30
        )
        assert lead.status_code == 200, "it is kept: sent again it would be a second one"
        eventually_unavailable(collector)
        eventually(lambda: not is_ready(collector))
        answer = collector.post([{"event": "unheard"}] * 3)
        assert answer.status_code == 503
        assert "acknowledge" not in answer.json()["detail"], "the broker was waited for"
        os.kill(process, signal.SIGCONT)
        eventually(lambda: collector.post({"event": "after"}).status_code == 202)


def test_a_broker_that_was_frozen_is_sent_to_by_a_new_producer_at_once(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, QUICK) as collector:
        eventually(lambda: is_ready(collector))
        senders = Senders(collector, 8)
        eventually(lambda: len(senders.accepted) > 100)
        process = getattr(broker, "running").pid  # noqa: B009 - embedded brokers are always processes
        os.kill(process, signal.SIGSTOP)
        eventually(lambda: not is_ready(collector), 60)
        os.kill(process, signal.SIGCONT)
        continued, before = time.monotonic(), len(senders.accepted)
        eventually(lambda: len(senders.accepted) > before + 100, 60)
        took = time.monotonic() - continued
        senders.stop()
        assert took < 10
        assert is_ready(collector)
    told = {answer.json()["detail"] for answer in senders.refusals}
    assert any("the event of this request may not have been kept (not acknowledged in time)" in each for each in told)
    assert any("none of this request's events was taken" in each for each in told)
    assert not [each for each in told if "Local:" in each or "Broker:" in each or "transaction" in each]
    assert all(int(answer.headers["retry-after"]) > 0 for answer in senders.refusals)


def test_more_than_may_wait_is_503_at_once(broker: Service, tmp_path: Path) -> None:
    patient = {"PULSE_WAITING_MB": "8", "PULSE_PRODUCE_TIMEOUT_MS": "20000", "PULSE_SPOOL_MB": "0"}
    with collecting(broker.url, tmp_path, patient) as collector, ThreadPoolExecutor(12) as clients:
        eventually(lambda: is_ready(collector))
        megabyte = [{"event": "e", "properties": {"p": "x" * 30_000}} for _ in range(33)]
        assert collector.post(megabyte).status_code == 202
        process = getattr(broker, "running").pid  # noqa: B009 - embedded brokers are always processes
        os.kill(process, signal.SIGSTOP)
        waiting = [clients.submit(collector.post, megabyte) for _ in range(12)]
        eventually(lambda: any(each.done() for each in waiting))
        os.kill(process, signal.SIGCONT)
        answers = [each.result() for each in waiting]
        refused = [answer for answer in answers if answer.status_code == 503]
        assert refused
        assert all("too much waits" in answer.json()["detail"] for answer in refused)
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        assert {answer.status_code for answer in answers} == {202, 503}


def test_a_collector_that_starts_first_waits_for_broker_and_topic(broker: Service, tmp_path: Path) -> None:
    broker.kill()
    with collecting(broker.url, tmp_path, QUICK) as collector:
        assert collector.post({"event": "e"}).status_code == 503
        broker.start()
        said = eventually(lambda: "streams.topics" in collector.post({"event": "e"}).json()["detail"])
        assert said
        create_raw(broker.url)
        eventually(lambda: collector.post({"event": "e"}).status_code == 202)


def test_what_was_accepted_outlives_a_broker_killed_under_load(lasting_broker: Service, tmp_path: Path) -> None:
    with collecting(lasting_broker.url, tmp_path, QUICK) as collector:
        eventually(lambda: is_ready(collector))
        senders = Senders(collector, 8)
        eventually(lambda: len(senders.accepted) > 200)
        lasting_broker.kill()
        eventually(lambda: senders.statuses[503] > 10)
        before = len(senders.accepted)
        lasting_broker.start()
        eventually(lambda: len(senders.accepted) > before + 200)
        senders.stop()
        assert set(senders.statuses) == {202, 503}
    arrived = {event.event for event in events(lasting_broker.url)}
    assert set(senders.accepted) <= arrived


def test_a_stop_under_load_loses_nothing_that_was_accepted(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path) as collector:
        eventually(lambda: is_ready(collector))
        senders = Senders(collector, 16)
        eventually(lambda: len(senders.accepted) > 200)
        collector.running.process.terminate()
        assert collector.running.process.wait(60) == 0
        senders.stop()
        assert not probe.tcp(collector.url.removeprefix("http://"))
    arrived = Counter(event.event for event in events(broker.url))
    assert set(arrived.values()) == {1}
    assert set(senders.accepted) <= set(arrived)
    assert set(senders.statuses) == {202}


def test_a_kill_under_load_loses_nothing_that_was_accepted(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path) as collector:
        eventually(lambda: is_ready(collector))
        senders = Senders(collector, 16)
        eventually(lambda: len(senders.accepted) > 200)
        collector.running.kill()
        senders.stop()
    assert set(senders.accepted) <= {event.event for event in events(broker.url)}


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("PULSE_SECRET", "", "PULSE_SECRET"),
        ("PULSE_TRUSTED_PROXIES", "home", "PULSE_TRUSTED_PROXIES"),
        ("PULSE_LINGER_MS", "x", "LINGER_MS"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(tmp_path: Path, setting: str, value: str, said: str) -> None:
    with pytest.raises(PulseError, match=said) as told, collecting("127.0.0.1:1", tmp_path, {setting: value}):
        pass
    assert "exit code 2" in str(told.value)
    assert "Traceback" not in str(told.value)


def packed_events(number: int, size: int) -> bytes:
    """A request of events of about so many bytes each, of which gzip leaves a twentieth."""
    dice = random.Random(7)
    texts = (dice.randbytes(size // 32).hex().encode() * 16 for _ in range(number))
    return gzip.compress(b"\n".join(b'{"event":"e","properties":{"p":"%b"}}' % text for text in texts), 6)


def peak_mb(pid: int) -> int:
    """The most memory that a process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def test_a_burst_of_bodies_that_inflate_to_much_takes_bounded_memory(broker: Service, tmp_path: Path) -> None:
    body, waiting_mb = packed_events(2_000, 10_000), 128
    with collecting(broker.url, tmp_path / "collector", {"PULSE_WAITING_MB": str(waiting_mb)}) as collector:
        eventually(lambda: is_ready(collector))
        headers = {"x-api-key": collector.keys["secret"], "content-encoding": "gzip"}
        headers["content-type"] = "application/x-ndjson"

        def send(_: int) -> int:
            url = f"{collector.url}/v1/events"
            return httpx.post(url, content=body, headers=headers, timeout=60).status_code

        with ThreadPoolExecutor(80) as clients:
            statuses = Counter(clients.map(send, range(80)))
        assert set(statuses) <= {202, 503}
        assert statuses[202]
        assert peak_mb(collector.running.pid) < waiting_mb + 300
        eventually(lambda: collector.post({"event": "after"}).status_code == 202)
