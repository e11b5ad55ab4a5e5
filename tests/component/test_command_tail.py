"""`pulse tail`: what arrives from now on, of a real log."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from pulse.topics import EVENTS
from tests import services
from tests.commanding import ROOT, command, pulse, without_settings
from tests.eventually import eventually

LINE = b'{"event":"%s","ts":1000,"site_id":"%s","received_at":1,"url":"/a"}'


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of this module's own: what is written here is no record of refinement."""
    broker = services.embedded_kafka(tmp_path_factory.mktemp("kafka"))
    broker.start()
    admin = AdminClient({"bootstrap.servers": broker.url})
    admin.create_topics([NewTopic(EVENTS, 4, 1)])[EVENTS].result(30)
    yield broker.url
    broker.stop()


def produce(kafka: str, *lines: bytes) -> None:
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(EVENTS, b"\n".join(lines), partition=2)
    assert producer.flush(60) == 0


@contextmanager
def tail(kafka: str, folder: Path, *words: str) -> Iterator[Path]:
    """The file that a running `pulse tail` writes."""
    out = folder / "tailed"
    environment = {**without_settings(), "PULSE_KAFKA_URL": kafka, "PULSE_DATA": str(folder)}
    with out.open("wb") as written:
        running = subprocess.Popen(command("tail", *words), cwd=ROOT, env=environment, stdout=written)
    try:
        yield out
    finally:
        running.terminate()
        running.wait(60)


def test_events_are_shown_as_they_arrive_but_not_those_before(log: str, tmp_path: Path) -> None:
    produce(log, LINE % (b"before", b"main"))

    def seen() -> str:
        produce(log, LINE % (b"now", b"main"), LINE % (b"now", b"other"))
        return out.read_text()

    with tail(log, tmp_path) as out:
        text = eventually(seen, every=0.5)
    assert "before" not in text
    assert {line.split()[2] for line in text.splitlines()} == {"main", "other"}


def test_only_a_sites_and_an_events_and_so_many(log: str, tmp_path: Path) -> None:
    wanted, other = LINE % (b"buy", b"shop"), LINE % (b"buy", b"main")
    words = ("--site", "shop", "--event", "buy", "--count", "2", "--json")

    def ended() -> bool:
        produce(log, other, wanted, LINE % (b"look", b"shop"), b"no json")
        return len(out.read_bytes().splitlines()) == 2

    with tail(log, tmp_path, *words) as out:
        eventually(ended, every=0.5)
    assert out.read_bytes() == wanted + b"\n" + wanted + b"\n"


def test_a_broker_that_is_away_is_a_sentence(free_port: object, tmp_path: Path) -> None:
    url = f"127.0.0.1:{free_port()}"  # type: ignore[operator]
    done = pulse({"PULSE_KAFKA_URL": url, "PULSE_DATA": str(tmp_path)}, "tail", expect=1)
    assert done.stderr.startswith(f"pulse: Kafka does not answer at {url}")
