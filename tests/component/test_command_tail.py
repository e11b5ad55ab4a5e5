"""`pulse tail` over a log that is there and one that is not."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from msgspec import json

from pulse.settings import Settings
from streams.topics import create
from tests.commanding import command, pulse, without_settings
from tests.eventually import eventually
from tests.living import PARTITIONS, Living, line


def test_events_are_shown_as_they_come(kafka: str, tmp_path: Path) -> None:
    create(Settings(kafka_url=kafka, partitions=PARTITIONS))
    log = Living(kafka, tmp_path, {}, {})
    environment = {**without_settings(), "PULSE_DATA": str(tmp_path), "PULSE_KAFKA_URL": kafka}
    words = command("tail", "--event", "seen", "--count", "2", "--json")
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE) as running:

        def has_ended() -> bool:
            log.send(line("other"), line("seen"))
            return running.poll() is not None

        eventually(has_ended, 60)
        assert running.stdout is not None
        assert [json.decode(each)["event"] for each in running.stdout.read().splitlines()] == ["seen"] * 2
    assert running.returncode == 0


def test_a_log_that_is_away_is_a_sentence(tmp_path: Path, free_port: Callable[[], int]) -> None:
    address = f"127.0.0.1:{free_port()}"
    told = pulse({"PULSE_DATA": str(tmp_path), "PULSE_KAFKA_URL": address}, "tail", expect=1).stderr
    assert f"Kafka does not answer at {address}" in told
    assert "PULSE_KAFKA_URL" in told
