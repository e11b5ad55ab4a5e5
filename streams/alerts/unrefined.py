"""How old the oldest event is that refinement has yet to take: what lies before it is complete."""

import logging
from threading import Event, Lock, Thread

from pulse.errors import Unavailable
from pulse.topics import RAW, REFINING
from streams.alerts.waiting import Waiting
from streams.broker import Broker

EVERY_S = 2.0

log = logging.getLogger(__name__)


class Unrefined:
    """`ms` is the time of the oldest raw record that is not refined, None if there is none; asked every two seconds.

    Until it is known nothing is taken to be refined.
    """

    def __init__(self, broker: Broker, stop: Event) -> None:
        self.ms: int | None = 0
        self._stop = stop
        self._waiting = Waiting(broker, RAW, REFINING[RAW])
        self._lock = Lock()

    def start(self) -> None:
        """Keep asking in the background."""
        Thread(target=self._run, name="unrefined", daemon=True).start()

    def ask(self) -> int | None:
        """Ask once, and tell; raises Unavailable."""
        with self._lock:
            self.ms = self._waiting.oldest()
            return self.ms

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.ask()
            except Unavailable as error:
                log.warning("%s", error)
            self._stop.wait(EVERY_S)
