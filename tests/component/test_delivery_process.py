"""`python -m api.delivery` as a process, on a log and a database of its own, killed while it delivers."""

import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, Producer
from msgspec import json
from standardwebhooks.webhooks import Webhook

from api.control.outgoing import Endpoint
from deploy.local import port, probe
from deploy.local.process import Running, start
from pulse.notice import Notice
from pulse.settings import Settings
from pulse.topics import ALERTS, DEAD
from streams.topics import create
from tests import services
from tests.delivering import SECRET, Outgoing, now_ms, outgoing
from tests.eventually import eventually
from tests.receiving import Behaviour, Reply, receiving

ROOT = Path(__file__).parents[2]
NOTICES = 200
KILLS = 4


class Process:
    """The delivery process, which may die and be started again."""

    def __init__(self, folder: Path, kafka: str) -> None:
        self.at = port.free()
        self.log = folder / "delivery.log"
        self.environment = {
            "PULSE_DATA": str(folder),
            "PULSE_SECRET": SECRET.decode(),
            "PULSE_KAFKA_URL": kafka,
            "PULSE_DELIVERY_PORT": str(self.at),
            "PULSE_WEBHOOK_ALLOW": "127.0.0.0/8",
            "PULSE_INSTANCE": "this",
        }
        self.running: Running | None = None

    def start(self) -> None:
        """Start it and wait until it is alive."""
        command = [sys.executable, "-m", "api.delivery"]
        alive = lambda: probe.http(self.at, "/health")  # noqa: E731
        self.running = start("delivery", command, self.log, alive, cwd=ROOT, env=self.environment)

    def kill(self) -> None:
        """SIGKILL."""
        assert self.running is not None
        self.running.kill()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self.running is not None
        self.running.process.send_signal(signal.SIGTERM)
        return self.running.process.wait(60)

    def get(self, path: str) -> httpx.Response:
        """One of its pages."""
        return httpx.get(f"http://127.0.0.1:{self.at}{path}", timeout=10)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """A broker for this test alone, since the topics' names are given."""
    made = services.embedded_kafka(tmp_path / "broker")
    made.start()
    eventually(lambda: create(Settings(kafka_url=made.url)) or True)
    yield made.url
    made.stop()


@pytest.fixture
def out(tmp_path: Path) -> Outgoing:
    (tmp_path / "data").mkdir()
    return outgoing(tmp_path / "data")


@pytest.fixture
def process(tmp_path: Path, out: Outgoing, broker: str) -> Iterator[Process]:
    made = Process(tmp_path / "data", broker)
    yield made
    made.kill()


def told(kafka: str, *notices: Notice | bytes) -> None:
    """Put notices on the log, as whoever makes them does."""
    producer = Producer({"bootstrap.servers": kafka, "acks": "all"})
    for each in notices:
        value = each if isinstance(each, bytes) else json.encode(each)
        producer.produce(ALERTS, value=value, partition=0)
    assert producer.flush(30) == 0


def notice(number: int) -> Notice:
    """A notice of the shop."""
    return Notice(id=f"n{number}", kind="alert.firing", site_id="shop", at=now_ms(), data={"number": number})


def read(kafka: str, topic: str, number: int) -> list[bytes]:
    """The first so many records of a topic."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": f"test-{topic}", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found: list[bytes] = []

    def look() -> bool:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            found.append(message.value() or b"")
        return len(found) >= number

    eventually(look)
    consumer.close()
    return found


def states(out: Outgoing, endpoint: Endpoint) -> list[str]:
    """The states of an endpoint's deliveries."""
    return [each.state for each in out.store.deliveries.list(endpoint.id, None, 1_000)]


def test_killed_again_and_again_it_delivers_each_notice_under_one_id(
    process: Process, broker: str, out: Outgoing
) -> None:
    with receiving({}) as receiver:
        endpoint = out.endpoint(receiver.url("/hook"))
        process.start()
        for begin in range(0, NOTICES, NOTICES // KILLS):
            told(broker, *map(notice, range(begin, min(begin + NOTICES // KILLS, NOTICES))))
            before = len(receiver.got)
            eventually(lambda before=before: len(receiver.got) >= before + 5)  # type: ignore[misc]
            process.kill()
            process.start()
        eventually(lambda: states(out, endpoint) == ["delivered"] * NOTICES, within=120)

    ids: dict[int, set[str]] = {}
    for request in receiver.got:
        ids.setdefault(json.decode(request.body)["data"]["number"], set()).add(request.headers["webhook-id"])
    assert set(ids) == set(range(NOTICES))
    assert all(len(each) == 1 for each in ids.values())
    assert len(receiver.got) < NOTICES * 1.5
    recorded = sum(out.delivery(endpoint, f"n{number}")[0].attempts for number in range(NOTICES))
    assert recorded >= len(receiver.got) - 4 * KILLS


def test_it_tells_what_it_needs_what_it_does_and_what_died(process: Process, broker: str, out: Outgoing) -> None:
    script: dict[str, Sequence[Behaviour]] = {
        "/no": [Reply(404, {}, b"nothing here")],
        "/gone": [Reply(410)],
        "/late": [Reply(500), Reply()],
    }
    with receiving(script) as receiver:
        yes, no = (out.endpoint(receiver.url(path), kinds=["alert"]) for path in ("/yes", "/no"))
        gone = out.endpoint(receiver.url("/gone"), kinds=["alert"])
        late = out.endpoint(receiver.url("/late"), kinds=["alert.firing"])
        watching = out.endpoint(receiver.url("/watching"), kinds=["webhook.disabled"])
        process.start()
        eventually(lambda: process.get("/health/ready").json()["checks"] == {"kafka": "ok", "store": "ok"})
        told(broker, b"no notice", b'{"id":"","kind":"x","site_id":"shop","at":1}', notice(1))
        eventually(lambda: receiver.at("/yes"))
        eventually(lambda: len(receiver.at("/late")) == 2)
        [disabled] = eventually(lambda: receiver.at("/watching"))
        dead = [json.decode(each) for each in read(broker, DEAD, 2)]
        metrics = process.get("/metrics").text
        code = process.stop()

    assert Webhook(out.seal.open(yes.secret)).verify(receiver.at("/yes")[0].body, dict(receiver.at("/yes")[0].headers))
    assert {each["endpoint"]: each["status"] for each in dead} == {no.id: 404, gone.id: 410}
    assert {each["notice"]["id"] for each in dead} == {"n1"}
    assert json.decode(disabled.body)["data"]["webhook_id"] == gone.id
    assert states(out, watching) == ["delivered"]
    gap = receiver.at("/late")[1].at - receiver.at("/late")[0].at
    assert 4 <= gap <= 6 + 10, "the second attempt comes after 5 s, give or take a fifth, on a machine however busy"
    assert out.delivery(late, "n1")[0].attempts == 2
    for figure in (
        'pulse_delivery_notices_total{as="read"} 2.0',
        'pulse_delivery_notices_total{as="unreadable"} 2.0',
        'pulse_delivery_attempts_total{verdict="gone"} 1.0',
        "pulse_delivery_dead_total 2.0",
    ):
        assert figure in metrics
    assert code == 0
    log = process.log.read_text()
    assert "Traceback" not in log
    assert all(secret not in log for secret in (SECRET.decode(), out.seal.open(yes.secret), receiver.url("/yes")))
