"""Real child processes under supervision: what dies is started again, and said so; what is stopped stays stopped."""

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from deploy.local import process
from deploy.local.process import Running
from deploy.local.up import folder, plan, preflight
from deploy.local.up.keeper import POLL_S, Keeper, Part
from pulse import started
from pulse.errors import PulseError
from pulse.settings import load
from pulse.started import Started
from tests.eventually import eventually

STEADY = "import time; time.sleep(60)"
BRIEF = "raise SystemExit(3)"
Keep = Callable[..., Keeper]


@pytest.fixture
def told() -> list[str]:
    """The lines that a user sees."""
    return []


@pytest.fixture
def keep(told: list[str], tmp_path: Path) -> Iterator[Keep]:
    """Keeps a Python script running until the test ends."""
    kept: list[Keeper] = []

    def begin(script: str, begun: list[float], again: Callable[[], None] = lambda: None) -> Keeper:
        def start() -> Running:
            begun.append(time.monotonic())
            return process.spawn("thing", [sys.executable, "-c", script], tmp_path / "thing.log")

        kept.append(Keeper(Part("thing", start), told.append, again=again))
        return kept[-1]

    yield begin
    for keeper in kept:
        keeper.stop()


def pid(keeper: Keeper) -> int:
    assert keeper.running
    return keeper.running.pid


def test_what_is_killed_is_started_again_and_said_so(keep: Keep, told: list[str]) -> None:
    again: list[str] = []
    keeper = keep(STEADY, [], lambda: again.append("again"))
    keeper.start()
    first = pid(keeper)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: again)
    assert pid(keeper) != first
    assert psutil.pid_exists(pid(keeper))
    assert re.fullmatch(
        r"thing ended \(killed by SIGKILL\); it is started again in 0\.5 s; its log: .*thing\.log", told[0]
    )
    assert told[1:] == ["thing runs again"]


def test_what_keeps_dying_is_started_after_growing_pauses(keep: Keep, told: list[str]) -> None:
    begun: list[float] = []
    keep(BRIEF, begun).start()
    eventually(lambda: len(begun) == 4)
    pauses = [after - before for before, after in pairwise(begun)]
    assert all(pause > least for pause, least in zip(pauses, (0.5, 1, 2), strict=True)), pauses
    assert [re.findall(r"exit code 3.* in ([\d.]+) s", line) for line in told if "ended" in line] == [
        ["0.5"],
        ["1"],
        ["2"],
    ]


def test_what_cannot_be_started_again_is_tried_again(tmp_path: Path, told: list[str]) -> None:
    attempts: list[int] = []

    def start() -> Running:
        attempts.append(1)
        if len(attempts) == 2:
            raise PulseError("the port is taken\nand more")
        return process.spawn("thing", [sys.executable, "-c", STEADY], tmp_path / "thing.log")

    keeper = Keeper(Part("thing", start), told.append)
    keeper.start()
    os.kill(pid(keeper), signal.SIGKILL)
    try:
        eventually(lambda: told[-1] == "thing runs again")
    finally:
        keeper.stop()
    assert told[1] == "the port is taken"
    assert "thing ended (it did not start); it is started again in 1 s" in told[2]


def test_what_is_stopped_is_not_started_again(keep: Keep, told: list[str]) -> None:
    begun: list[float] = []
    keeper = keep(STEADY, begun)
    keeper.start()
    child = psutil.Process(pid(keeper))
    keeper.stop()
    assert not child.is_running()
    assert (len(begun), told) == (1, [])


def test_it_is_stopped_in_the_middle_of_a_pause_too(
    keep: Keep, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.up.backoff.FIRST_S", 600.0)
    monkeypatch.setattr("deploy.local.up.backoff.LONGEST_S", 600.0)
    begun: list[float] = []
    keeper = keep(BRIEF, begun)
    keeper.start()
    eventually(lambda: told)
    since = time.monotonic()
    keeper.stop(timeout=60)
    assert time.monotonic() - since < 60
    assert len(begun) == 1


def test_what_is_halted_is_started_on_demand_alone(keep: Keep, told: list[str]) -> None:
    begun: list[float] = []
    keeper = keep(STEADY, begun)
    keeper.start()
    first = psutil.Process(pid(keeper))
    keeper.halt()
    assert not first.is_running()
    with pytest.raises(AssertionError):
        eventually(lambda: told or len(begun) > 1, within=3 * POLL_S)
    keeper.resume()
    assert psutil.pid_exists(pid(keeper))
    assert told == ["thing was started anew"]


def test_what_does_not_become_ready_is_quoted_and_ends(tmp_path: Path) -> None:
    script = "print('no room left', flush=True); raise SystemExit(1)"
    part = Part(
        "thing", lambda: process.spawn("thing", [sys.executable, "-c", script], tmp_path / "log"), lambda: False
    )
    with pytest.raises(PulseError, match=r"thing ended while starting \(exit code 1\)[\s\S]*no room left"):
        Keeper(part, print).start()


def test_what_a_killed_supervisor_left_is_ended_and_nothing_else(tmp_path: Path, told: list[str]) -> None:
    left, other = (process.spawn("thing", [sys.executable, "-c", STEADY], tmp_path / "log") for _ in range(2))
    try:
        noted = started.identify(left.pid)
        earlier = started.Process(other.pid, started.identify(other.pid).created - 100)
        folder.clear(tmp_path, Started(up=noted, phase="ready", processes={"a": noted, "b": earlier}), told.append)
        assert left.process.wait(60) == -signal.SIGTERM
        assert other.is_alive()
        assert told == ["ending what an earlier start has left running: a"]
    finally:
        left.kill()
        other.kill()


def test_a_data_folder_is_had_by_one_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with folder.occupy(data):
        started.write(data, Started(up=started.Process(4711, 1), phase="ready"))
        with pytest.raises(
            PulseError, match=r"^Pulse already runs on .*, as process 4711: `make status`.*`make down`[^\n]*$"
        ):
            with folder.occupy(data):
                raise AssertionError("had twice")
    with folder.occupy(data):
        assert data.stat().st_mode & 0o777 == 0o700


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    made = folder.secret(tmp_path)
    assert len(made) >= 32
    assert folder.secret(tmp_path) == made
    assert (tmp_path / started.SECRET).stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [started.SECRET]


def test_an_emptied_secret_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / started.SECRET).touch()
    with pytest.raises(PulseError, match="put the secret back"):
        folder.secret(tmp_path)


@pytest.mark.parametrize("variable", ["PULSE_KAFKA_URL", "PULSE_CLICKHOUSE_URL", "PULSE_REDIS_URL"])
def test_a_given_service_that_is_away_is_told_in_one_sentence(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    schemes = {
        "PULSE_KAFKA_URL": "",
        "PULSE_CLICKHOUSE_URL": "http://user:hidden@",
        "PULSE_REDIS_URL": "redis://:hidden@",
    }
    monkeypatch.setenv(variable, f"{schemes[variable]}127.0.0.1:1")
    monkeypatch.setenv("PULSE_DATA", str(tmp_path))
    with pytest.raises(PulseError, match=f"127.0.0.1:1 cannot be used .*: start it, or correct {variable}$") as told:
        preflight.check(plan.make(load(), "embedded", 1))
    assert "hidden" not in str(told.value)
    assert "\n" not in str(told.value)
