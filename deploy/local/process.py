"""A child process with a log file: started, waited for, stopped; it does not outlive the one that started it."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pulse.errors import PulseError

LINES_QUOTED = 5
POLL_S = 0.05
_PR_SET_PDEATHSIG = 1

_NURSERY = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nursery")
"""Linux ends a child with the *thread* that started it, so all are started by one that lasts."""

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Running:
    """A started process: its name in messages, the process itself, and the file of all it writes."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def stop(self, timeout: float = 15) -> None:
        """Ask it to end (SIGTERM), and after `timeout` seconds make it (SIGKILL)."""
        if self.is_alive():
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """End it and what it has started at once (SIGKILL)."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def last_words(self, lines: int = LINES_QUOTED) -> str:
        """The last lines of its log."""
        return last_lines(self.log, lines)


def spawn(
    name: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Running:
    """Start a process in a session of its own, without waiting; what it writes is appended to `log`.

    `env` is added to this process's environment. Raises PulseError if there is no such program.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        process = _NURSERY.submit(
            _popen, [str(part) for part in command], log, cwd, {**os.environ, **(env or {})}
        ).result()
    except OSError as error:
        raise PulseError(f"{name} could not be started: {error}") from error
    return Running(name, process, log)


def start(
    name: str,
    command: Sequence[str | Path],
    log: Path,
    answers: Callable[[], bool],
    *,
    within: float = 60,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Running:
    """Start a process and wait until `answers()`, at most `within` seconds.

    Raises PulseError quoting its last log lines if it ends first or does not answer in time; then it is no more.
    """
    running = spawn(name, command, log, cwd=cwd, env=env)
    try:
        await_answer(running, answers, within)
    except BaseException:
        running.kill()
        raise
    return running


def await_answer(running: Running, answers: Callable[[], bool], within: float) -> None:
    """Wait until a process answers; raises PulseError if it ends first or takes longer than `within` seconds."""
    deadline = time.monotonic() + within
    while not answers():
        if not running.is_alive():
            code = running.process.returncode
            raise PulseError(
                f"{running.name} ended while starting ({ending(code)}); its log {running.log} ends:\n{running.last_words()}"
            )
        if time.monotonic() > deadline:
            raise PulseError(
                f"{running.name} did not answer within {within:.0f} s; its log {running.log} ends:\n{running.last_words()}"
            )
        time.sleep(POLL_S)


def last_lines(log: Path, lines: int = LINES_QUOTED) -> str:
    """The last lines of a text file, of which at most the last 64 kB are read; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - 65_536, 0))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def _popen(command: list[str], log: Path, cwd: Path | None, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    with log.open("ab") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env,
            start_new_session=True,
            preexec_fn=_end_with_parent if _LIBC else None,
        )


def _end_with_parent() -> None:
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def ending(code: int) -> str:
    """An exit code in words: ``exit code 1``, ``killed by SIGKILL``."""
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
