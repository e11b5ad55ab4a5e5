"""One part of Pulse kept running: started, watched, started again with growing pauses when it dies, stopped."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, RLock, Thread

from deploy.local.process import Running, await_answer, ending
from deploy.local.up import backoff, logs
from pulse.errors import PulseError

POLL_S = 0.2
TRIM_S = 60.0


@dataclass(frozen=True)
class Part:
    """A service or process: `begin` starts it and returns once it answers, `ready` tells whether all it needs is there."""

    name: str
    begin: Callable[[], Running]
    ready: Callable[[], bool] = lambda: True
    within: float = 90


class Keeper:
    """Keeps a part running.

    `tell` gets a line for each thing that happens; `begun` gets the process each time there is a new one; `died` is
    called when the part has died, before it is started anew, and `again` after that.
    """

    def __init__(
        self,
        part: Part,
        tell: Callable[[str], None],
        begun: Callable[[Running], None] = lambda _: None,
        died: Callable[[], None] = lambda: None,
        again: Callable[[], None] = lambda: None,
    ) -> None:
        self.part = part
        self.running: Running | None = None
        self._tell = tell
        self._begun = begun
        self._died = died
        self._again = again
        self._halted = False
        self._stopping = Event()
        self._lock = RLock()
        self._thread = Thread(target=self._watch, name=part.name, daemon=True)

    def start(self) -> None:
        """Start it, wait until it is ready, and watch it from then on; raises PulseError if it does not get there."""
        self._begin()
        if self.running:
            await_answer(self.running, self.part.ready, self.part.within)
        self._thread.start()

    def halt(self, timeout: float = 10) -> None:
        """Stop it, not to be started before `resume`; after `timeout` seconds it is made to end."""
        with self._lock:
            self._halted = True
            if self.running:
                self.running.stop(timeout)

    def resume(self) -> None:
        """Start it again after `halt`; raises PulseError if that fails now: then it is tried again."""
        with self._lock:
            self._halted = False
            if not self._stopping.is_set() and not self._is_alive():
                self._begin()
                self._tell(f"{self.part.name} was started anew")

    def stop(self, timeout: float = 15) -> None:
        """Watch it no longer and stop it; after `timeout` seconds it is made to end."""
        self._stopping.set()
        if self.running:
            self.running.stop(timeout)
        if self._thread.is_alive():
            self._thread.join(timeout)
        if self.running:
            self.running.kill()

    def _begin(self) -> None:
        self.running = None
        self.running = self.part.begin()
        if self._stopping.is_set():
            self.running.kill()
        self._begun(self.running)

    def _watch(self) -> None:
        failed, since, trimmed = 0, time.monotonic(), time.monotonic()
        while not self._stopping.wait(POLL_S):
            if time.monotonic() - trimmed > TRIM_S:
                trimmed = time.monotonic()
                self._trim()
            if self._halted or self._is_alive():
                continue
            failed = backoff.failures(failed, time.monotonic() - since)
            pause = backoff.pause(failed)
            self._tell(f"{self.part.name} ended ({self._ending()}); it is started again in {pause:g} s{self._log()}")
            if self.running:
                self._died()
            if self._revive(pause):
                self._again()
            since = time.monotonic()

    def _is_alive(self) -> bool:
        with self._lock:
            return self.running is not None and self.running.is_alive()

    def _revive(self, pause: float) -> bool:
        if self._stopping.wait(pause):
            return False
        try:
            with self._lock:
                if self._halted:
                    return False
                self._begin()
        except (PulseError, OSError) as error:
            self._tell(str(error).splitlines()[0])
            return False
        self._tell(f"{self.part.name} runs again")
        return True

    def _ending(self) -> str:
        code = self.running.process.returncode if self.running else None
        return "it did not start" if code is None else ending(code)

    def _log(self) -> str:
        return f"; its log: {self.running.log}" if self.running else ""

    def _trim(self) -> None:
        if self.running:
            with suppress(OSError):
                logs.trim(self.running.log)
