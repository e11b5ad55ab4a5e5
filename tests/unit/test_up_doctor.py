"""What `pulse doctor` makes of what it sees."""

import socket
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from pulse.command.doctor import examine, table
from pulse.diagnosis import machine, network, packages, variables
from pulse.diagnosis.finding import Finding, State, missing, ok, warning
from pulse.settings import Settings

NONE_GIVEN = dict.fromkeys(network.URLS, False)


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10, 9), "missing"), ((3, 11, 0), "ok"), ((3, 13, 9), "ok"), ((3, 14, 0), "missing")]
)
def test_pythons(version: tuple[int, int, int], state: str) -> None:
    assert machine.python(version).state == state


@pytest.mark.parametrize(
    ("name", "flags", "own", "state"),
    [
        ("x86_64", "sse avx2 bmi", False, "ok"),
        ("x86_64", "sse avx", False, "missing"),
        ("x86_64", "sse avx", True, "warning"),
        ("x86_64", "", False, "ok"),
        ("aarch64", "fp asimd", False, "ok"),
    ],
)
def test_processors(name: str, flags: str, own: bool, state: str) -> None:
    assert machine.processor(name, flags, own).state == state


@pytest.mark.parametrize(("free", "state"), [(5e8, "missing"), (2e9, "warning"), (5e10, "ok")])
def test_disks(free: float, state: str) -> None:
    assert machine.disk(int(free), Path("/data")).state == state


@pytest.mark.parametrize(
    ("said", "seen", "state"),
    [
        (None, "none", "warning"),
        ('openjdk version "17.0.15"', "17", "ok"),
        ('java version "1.8.0_392"', "8", "warning"),
        ("nonsense", "unknown version", "warning"),
    ],
)
def test_javas(said: str | None, seen: str, state: str) -> None:
    found = machine.java(said)
    assert (found.seen, found.state) == (seen, state)


def test_a_secret_that_others_can_read_is_told(tmp_path: Path) -> None:
    assert machine.data_folder(tmp_path / "none").state == State.ok
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    assert machine.data_folder(tmp_path).state == State.ok
    secret.chmod(0o644)
    assert machine.data_folder(tmp_path) == warning("data folder", "others can read secret", f"`chmod 600 {secret}`")


def test_packages_are_compared_with_what_this_python_needs_of_the_lock() -> None:
    lock = """a-b==1.0 \\
    --hash=sha256:00
numpy==1 ; python_full_version < '3' \\
    --hash=sha256:01
numpy==2 ; python_full_version >= '3'
    # via x
"""
    locked = packages.pins(lock)
    assert locked == {"a-b": "1.0", "numpy": "2"}
    assert packages.compare(locked, {"a-b": "1.0", "numpy": "2", "more": "1"}).state == State.ok
    assert packages.compare(locked, {"a-b": "1.1", "numpy": "2"}).seen == "a-b 1.1 instead of 1.0"
    assert packages.compare(locked, {"numpy": "2"}) == missing("packages", "not installed: a-b", "`make setup`")


def test_a_variable_that_is_no_setting_is_told_with_the_nearest() -> None:
    given = ["PULSE_KAFKA_URI", "PULSE_QQQ", "PULSE_TEST_KAFKA", "PULSE_HOST", "HOME"]
    assert variables.unknown(given, variables.names()) == {"PULSE_KAFKA_URI": "PULSE_KAFKA_URL", "PULSE_QQQ": ""}


def test_a_setting_that_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_PARTITIONS", "many")
    (found,) = (each for each in examine() if each.what == "settings")
    assert found.state == State.missing
    assert "PULSE_PARTITIONS" in found.seen


def test_a_taken_port_is_told_with_its_setting() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        found = network.ports(
            Settings(query_port=port), NONE_GIVEN, lambda host, at: network.is_free(host, at) or at != port
        )
    assert found == [missing("ports", f"{port} is taken", "stop the program that uses it or set PULSE_QUERY_PORT")]


def test_ports_of_services_that_are_given_do_not_matter() -> None:
    asked: list[int] = []

    def is_free(_: str, port: int) -> bool:
        asked.append(port)
        return True

    found = network.ports(Settings(), NONE_GIVEN | {"redis": True}, is_free)
    assert (found, 16379 in asked, 19000 in asked) == ([ok("ports", "free")], False, True)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:secret@host:1/0", "redis://host:1/0"),
        ("http://u:secret@host/db", "http://host/db"),
        ("http://host/db", "http://host/db"),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    assert network.without_password(url) == shown


def test_the_table_shows_what_was_seen_word_for_word() -> None:
    console = Console(width=200)
    with console.capture() as shown:
        console.print(table([Finding("thing", State.missing, "[bold]x", "`fix [it]`")]))
    assert "missing" in shown.get()
    assert "[bold]x" in shown.get()
    assert "`fix [it]`" in shown.get()
