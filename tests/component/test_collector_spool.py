"""The spool of a collector whose broker is away: only 202, nothing lost, in order; full or without a disk, 503."""

import os
import random
import resource
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import services
from tests.collecting import Collector, collecting, create_raw, events
from tests.eventually import eventually
from tests.services import Service

QUICK = {"PULSE_SPOOL_AFTER_MS": "1000"}
LONG = 60


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


def checks(collector: Collector) -> dict[str, str]:
    """What the collector says of what it needs, as long as it takes events."""
    answer = collector.client.get("/health/ready")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["checks"])


def is_well(collector: Collector) -> bool:
    """Whether nothing is wrong, and nothing waits in the spool."""
    return set(checks(collector).values()) == {"ok"}


def spooled(folder: Path) -> int:
    """Bytes of segments in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*.spool"))


class Visitors:
    """Clients that each send one visitor's events, one after the other, until told to stop."""

    def __init__(self, url: str, key: str, number: int) -> None:
        self._url = url
        self._key = key
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(number)
        self.accepted: dict[str, list[int]] = {f"v{n}": [] for n in range(number)}
        self.statuses: Counter[int] = Counter()
        self._running = [self._pool.submit(self._send, visitor) for visitor in self.accepted]

    @property
    def total(self) -> int:
        """How many events were accepted."""
        return sum(map(len, self.accepted.values()))

    def more(self, by: int) -> None:
        """Wait until so many more are accepted."""
        before = self.total
        eventually(lambda: self.total >= before + by, within=LONG)

    def stop(self) -> None:
        self._stop.set()
        for running in self._running:
            running.result()

    def _send(self, visitor: str) -> None:
        with httpx.Client(base_url=self._url, timeout=30, headers={"x-api-key": self._key}) as http:
            number = 0
            while not self._stop.is_set():
                event = {"event": str(number), "visitor_id": visitor, "event_id": _id(visitor, number)}
                try:
                    status = http.post("/v1/events", json=event).status_code
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                self.statuses[status] += 1
                if status == 202:
                    self.accepted[visitor].append(number)
                    number += 1


def _id(visitor: str, number: int) -> str:
    dice = random.Random(f"{visitor} {number}")
    return f"{dice.getrandbits(32):08x}-0000-4000-8000-{dice.getrandbits(48):012x}"


def arrived(bootstrap: str, partitions: int = 4) -> dict[str, list[int]]:
    """The numbers of each visitor's events in the log, each as it came first."""
    found: dict[str, list[int]] = {}
    for event in events(bootstrap, partitions):
        found.setdefault(event.visitor_id or "", []).append(int(event.event))
    return {visitor: list(dict.fromkeys(numbers)) for visitor, numbers in found.items()}


def test_a_broker_killed_under_load_costs_nobody_anything(lasting_broker: Service, tmp_path: Path) -> None:
    with collecting(lasting_broker.url, tmp_path, QUICK) as collector:
        eventually(lambda: is_well(collector))
        visitors = Visitors(collector.url, collector.keys["secret"], 8)
        visitors.more(200)
        lasting_broker.kill()
        eventually(lambda: "spooling" in checks(collector)["spool"], within=LONG)
        said = checks(collector)
        assert lasting_broker.url in said["kafka"]
        assert "of 1024 MB" in said["spool"]
        assert collector.client.get("/health/ready").json()["status"] == "degraded"
        visitors.more(200)
        lasting_broker.start()
        visitors.more(200)
        eventually(lambda: is_well(collector), within=LONG)
        visitors.more(200)
        visitors.stop()
        assert set(visitors.statuses) == {202}
        eventually(lambda: spooled(tmp_path) == 0)
        assert collector.metric("pulse_collector_spool_records") == 0
        drained = collector.metric("pulse_collector_spool_records_drained_total")
        assert drained == collector.metric("pulse_collector_spool_records_appended_total") > 0
    assert arrived(lasting_broker.url) == visitors.accepted


def test_a_broker_that_hangs_under_load_costs_nobody_anything(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, QUICK) as collector:
        eventually(lambda: is_well(collector))
        visitors = Visitors(collector.url, collector.keys["secret"], 8)
        visitors.more(200)
        process = getattr(broker, "running").pid  # noqa: B009 - embedded brokers are always processes
        for _ in range(3):
            os.kill(process, signal.SIGSTOP)
            visitors.more(100)
            assert spooled(tmp_path) > 0
            os.kill(process, signal.SIGCONT)
            eventually(lambda: is_well(collector), within=LONG)
            visitors.more(100)
        visitors.stop()
        assert set(visitors.statuses) == {202}
    found = arrived(broker.url)
    assert {visitor: sorted(numbers) for visitor, numbers in found.items()} == visitors.accepted


def test_a_lone_event_waits_no_longer_than_is_said_for_a_broker_that_hangs(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, {"PULSE_PRODUCE_TIMEOUT_MS": "60000"} | QUICK) as collector:
        eventually(lambda: is_well(collector))
        assert collector.post({"event": "before"}).status_code == 202
        process = getattr(broker, "running").pid  # noqa: B009 - embedded brokers are always processes
        os.kill(process, signal.SIGSTOP)
        begun = time.monotonic()
        assert collector.post({"event": "unheard"}).status_code == 202
        assert time.monotonic() - begun < 20
        os.kill(process, signal.SIGCONT)
        eventually(lambda: is_well(collector), within=LONG)
    assert {event.event for event in events(broker.url)} == {"before", "unheard"}


def test_a_kill_of_the_collector_while_the_broker_is_away_loses_nothing(
    lasting_broker: Service, tmp_path: Path
) -> None:
    accepted: dict[str, list[int]] = {}
    for turn in range(2):
        with collecting_again(lasting_broker, tmp_path, turn) as collector:
            if turn == 0:
                eventually(lambda: is_well(collector))
                lasting_broker.kill()
            visitors = Visitors(collector.url, collector.keys["secret"], 4)
            visitors.more(100)
            collector.running.kill()
            visitors.stop()
            accepted |= {f"{visitor}.{turn}": numbers for visitor, numbers in visitors.accepted.items()}
            assert set(visitors.statuses) == {202}
            assert spooled(tmp_path) > 0
    lasting_broker.start()
    with collecting_again(lasting_broker, tmp_path, 2) as collector:
        eventually(lambda: is_well(collector), within=LONG)
        assert collector.post({"event": "-1", "visitor_id": "last"}).status_code == 202
        assert spooled(tmp_path) == 0
    found = Counter((event.visitor_id, int(event.event)) for event in events(lasting_broker.url))
    sent = {(visitor.partition(".")[0], n) for visitor, numbers in accepted.items() for n in numbers}
    assert sent <= set(found)
    assert len(set(found) - sent - {("last", -1)}) <= 8, "only what was under way at a kill may have been kept unsaid"


def collecting_again(broker: Service, folder: Path, turn: int) -> Any:
    """A collector on the same spool; keys of its own each time."""
    own = folder / f"keys{turn}"
    own.mkdir()
    return collecting(broker.url, own, {"PULSE_SPOOL": str(folder / "spool"), **QUICK})


def test_a_collector_drained_twice_sends_little_twice(broker: Service, tmp_path: Path) -> None:
    """The cursor tells a new process how far the old one was, though its segment is not yet removed."""
    process = getattr(broker, "running").pid  # noqa: B009 - embedded brokers are always processes
    os.kill(process, signal.SIGSTOP)
    with collecting_again(broker, tmp_path, 0) as collector:
        for number in range(50):
            assert collector.post({"event": str(number), "visitor_id": "v"}).status_code == 202
        os.kill(process, signal.SIGCONT)
        eventually(lambda: is_well(collector), within=LONG)
        collector.running.kill()
    with collecting_again(broker, tmp_path, 1) as collector:
        eventually(lambda: is_well(collector), within=LONG)
    assert [int(event.event) for event in events(broker.url)] == list(range(50))


def test_what_was_spooled_goes_into_a_new_log_of_other_partitions(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, QUICK) as collector:
        eventually(lambda: is_well(collector))
        broker.kill()
        sent = [{"event": str(n), "visitor_id": f"v{v}"} for n in range(20) for v in range(20)]
        assert collector.post(sent).status_code == 202
        broker.start()
        create_raw(broker.url, partitions=3)
        eventually(lambda: is_well(collector), within=LONG)
        assert collector.post([{"event": "20", "visitor_id": f"v{v}"} for v in range(20)]).status_code == 202
    assert arrived(broker.url, 3) == {f"v{v}": list(range(21)) for v in range(20)}


def test_a_collector_that_starts_first_keeps_events_until_there_is_a_log(broker: Service, tmp_path: Path) -> None:
    broker.kill()
    with collecting(broker.url, tmp_path, QUICK) as collector:
        assert collector.post({"event": "0", "visitor_id": "v"}).status_code == 202
        broker.start()
        eventually(lambda: "streams.topics" in checks(collector)["kafka"], within=LONG)
        assert collector.post({"event": "1", "visitor_id": "v"}).status_code == 202
        create_raw(broker.url)
        eventually(lambda: is_well(collector), within=LONG)
    assert arrived(broker.url) == {"v": [0, 1]}


def test_a_stop_sends_what_is_spooled_first(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, QUICK) as collector:
        eventually(lambda: is_well(collector))
        process = getattr(broker, "running").pid  # noqa: B009 - embedded brokers are always processes
        os.kill(process, signal.SIGSTOP)
        for _ in range(3):
            assert collector.post(thousand()).status_code == 202
        os.kill(process, signal.SIGCONT)
        eventually(lambda: collector.client.get("/health/ready").json()["checks"]["kafka"] == "ok", within=LONG)
        collector.running.process.terminate()
        assert collector.running.process.wait(60) == 0
    assert spooled(tmp_path) == 0
    assert len({event.event_id for event in events(broker.url)}) == 3_000


def test_a_stop_without_a_broker_leaves_it_for_the_next_start(broker: Service, tmp_path: Path) -> None:
    with collecting_again(broker, tmp_path, 0) as collector:
        eventually(lambda: is_well(collector))
        broker.kill()
        assert collector.post(thousand()).status_code == 202
        collector.running.process.terminate()
        assert collector.running.process.wait(30) == 0
    assert spooled(tmp_path) > 0
    broker.start()
    create_raw(broker.url)
    with collecting_again(broker, tmp_path, 1) as collector:
        eventually(lambda: is_well(collector), within=LONG)
    assert len({event.event_id for event in events(broker.url)}) == 1_000


def thousand(size: int = 0) -> list[dict[str, Any]]:
    """A thousand events, each with so many bytes that do not shrink."""
    return [
        {"event": "e", "visitor_id": f"v{n}", "properties": {"p": os.urandom(size // 2).hex()}} for n in range(1_000)
    ]


def test_a_full_spool_is_503_and_room_again_is_202(broker: Service, tmp_path: Path) -> None:
    with collecting(broker.url, tmp_path, {"PULSE_SPOOL_MB": "2"} | QUICK) as collector:
        eventually(lambda: is_well(collector))
        process = getattr(broker, "running").pid  # noqa: B009 - embedded brokers are always processes
        os.kill(process, signal.SIGSTOP)
        accepted = 0
        while (answer := collector.post(thousand(400))).status_code == 202:
            accepted += 1_000
            assert accepted < 100_000
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "the spool is full (" in answer.json()["detail"]
        assert spooled(tmp_path) <= 2 * 1024 * 1024
        assert "the spool is full" in eventually(lambda: not_ready(collector), within=LONG)["spool"]
        eventually(lambda: broker.url in not_ready(collector)["kafka"], within=LONG)
        assert collector.post(thousand(400)).status_code == 503
        os.kill(process, signal.SIGCONT)
        eventually(lambda: is_well(collector), within=LONG)
        assert collector.post(thousand(400)).status_code == 202
    kept = Counter(event.event_id for event in events(broker.url))
    assert len(kept) >= accepted + 1_000


def not_ready(collector: Collector) -> dict[str, str]:
    """What a collector that takes no events says."""
    answer = collector.client.get("/health/ready")
    assert answer.status_code == 503
    return dict(answer.json()["checks"])


def test_a_disk_that_takes_no_more_is_503_and_what_was_acknowledged_stays(broker: Service, tmp_path: Path) -> None:
    """The limit of a process's files stands for the disk's: the kernel refuses the write in the middle of it."""
    with collecting(broker.url, tmp_path, QUICK) as collector:
        eventually(lambda: is_well(collector))
        process = getattr(broker, "running").pid  # noqa: B009 - embedded brokers are always processes
        os.kill(process, signal.SIGSTOP)
        accepted: set[str] = set()
        resource.prlimit(collector.running.pid, resource.RLIMIT_FSIZE, (700_000, resource.RLIM_INFINITY))
        for number in range(20):
            sent = [{**event, "event_id": _id("e", number * 1_000 + n)} for n, event in enumerate(thousand(400))]
            answer = collector.post(sent)
            if answer.status_code != 202:
                break
            accepted |= {event["event_id"] for event in sent}
        assert answer.status_code == 503
        assert accepted
        assert "cannot be written: File too large" in answer.json()["detail"]
        assert "cannot be written" in eventually(lambda: not_ready(collector), within=LONG)["spool"]
        resource.prlimit(collector.running.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        eventually(
            lambda: collector.post([{"event": "again", "event_id": _id("e", -1)}]).status_code == 202, within=LONG
        )
        os.kill(process, signal.SIGCONT)
        eventually(lambda: is_well(collector), within=LONG)
        assert collector.metric("pulse_collector_spool_lost_bytes_total") == 0
    assert accepted | {_id("e", -1)} <= {event.event_id for event in events(broker.url)}


def test_two_collectors_on_one_spool_are_refused_in_a_sentence(tmp_path: Path) -> None:
    own, settings = tmp_path / "second", {"PULSE_SPOOL": str(tmp_path / "spool")}
    own.mkdir()
    with collecting("127.0.0.1:1", tmp_path, settings):
        with (
            pytest.raises(Exception, match="in use by another process") as told,
            collecting("127.0.0.1:1", own, settings),
        ):
            pass
    assert "Traceback" not in str(told.value)


def test_a_flood_without_broker_and_room_takes_bounded_memory(broker: Service, tmp_path: Path) -> None:
    waiting_mb = 32
    tight = {"PULSE_SPOOL_MB": "2", "PULSE_WAITING_MB": str(waiting_mb), **QUICK}
    with collecting(broker.url, tmp_path, tight) as collector:
        eventually(lambda: is_well(collector))
        broker.kill()
        body = b"\n".join(
            b'{"event":"e","properties":{"p":"%b"}}' % os.urandom(500).hex().encode() for _ in range(1_900)
        )
        headers = {"x-api-key": collector.keys["secret"], "content-type": "application/x-ndjson"}
        statuses: Counter[int] = Counter()

        def flood(_: int) -> None:
            with httpx.Client(timeout=60, headers=headers) as http:
                for _ in range(8):
                    with suppress(httpx.TransportError):  # a refusal may close the connection before all was sent
                        statuses[http.post(f"{collector.url}/v1/events", content=body).status_code] += 1

        with ThreadPoolExecutor(64) as clients:
            list(clients.map(flood, range(64)))
        assert set(statuses) <= {202, 503}
        assert statuses[503]
        assert peak_mb(collector.running.pid) < waiting_mb + 250
        assert collector.client.get("/health").status_code == 200


def peak_mb(pid: int) -> int:
    """The most memory that a process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024
