"""Being asked to stop: Ctrl-C, SIGTERM, a closed terminal; a second time means at once."""

import signal
from threading import Event

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """The user asked to stop before the start was complete."""


class Asked:
    """How often this process was asked to stop."""

    def __init__(self) -> None:
        self.times = 0
        self.hung_up = False
        self._event = Event()

    def listen(self) -> None:
        """Take the signals; to be called from the main thread."""
        for number in SIGNALS:
            signal.signal(number, lambda which, _: self.ask(which))

    def ask(self, which: int = signal.SIGTERM) -> None:
        """Count one more request; `hung_up` tells that there is no terminal any more."""
        self.hung_up = self.hung_up or which == signal.SIGHUP
        self.times += 1
        self._event.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until asked for the first time, at most `timeout` seconds; whether it was."""
        return self._event.wait(timeout)
