"""What is kept about the processes of `make up`."""

import os
import subprocess
import sys
from pathlib import Path

from pulse import started
from pulse.started import Process, Started


def test_what_was_written_is_read_again_by_its_owner_alone(tmp_path: Path) -> None:
    kept = Started(up=Process(1, 2.5), phase="ready", services={"kafka": "embedded"}, environment={"PULSE_HOST": "::1"})
    started.write(tmp_path, kept)
    assert started.read(tmp_path) == kept
    assert (tmp_path / started.FILE).stat().st_mode & 0o777 == 0o600
    started.forget(tmp_path)
    assert started.read(tmp_path) is None


def test_a_broken_file_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / started.FILE).write_text("{")
    assert started.read(tmp_path) is None


def test_a_process_is_told_from_a_later_one_of_the_same_id() -> None:
    this = started.identify(os.getpid())
    assert started.is_running(this)
    assert not started.is_running(Process(this.pid, this.created - 60))


def test_a_process_that_ended_does_not_run() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = started.identify(child.pid)
    assert started.is_running(process)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not started.is_running(process), "it waits for its parent only"
    child.communicate()
    assert not started.is_running(process)


def test_a_command_takes_the_settings_of_what_runs_but_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / started.SECRET).write_text("s3cret\n")
    given = {"PULSE_KAFKA_URL": "theirs:1", "PULSE_REDIS_URL": "redis://theirs"}
    started.write(tmp_path, Started(up=Process(1, 2.5), phase="ready", environment=given))
    environ = {"PULSE_KAFKA_URL": "mine:1"}
    started.adopt(environ, tmp_path)
    assert environ == {
        "PULSE_KAFKA_URL": "mine:1",
        "PULSE_REDIS_URL": "redis://theirs",
        "PULSE_SECRET": "s3cret",
    }


def test_the_password_of_the_embedded_store_comes_from_its_file_and_goes_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / started.CLICKHOUSE_PASSWORD).write_text("opens\n")
    given = {"PULSE_CLICKHOUSE_URL": "http://127.0.0.1:1/pulse"}
    for kind, expected in (("embedded", "http://pulse:opens@127.0.0.1:1/pulse"), ("own", "http://127.0.0.1:1/pulse")):
        services = {"clickhouse": kind}
        started.write(tmp_path, Started(up=Process(1, 2.5), phase="ready", services=services, environment=given))
        environ: dict[str, str] = {}
        started.adopt(environ, tmp_path)
        assert environ["PULSE_CLICKHOUSE_URL"] == expected


def test_a_command_without_a_data_folder_changes_nothing(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    started.adopt(environ, tmp_path / "none")
    assert environ == {}
