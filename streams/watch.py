"""Watching from a thread of its own: is Kafka there, is the log still the same, does the work go on."""

import logging
import threading
from collections.abc import Callable
from time import monotonic

from pulse.errors import Unavailable
from streams import end
from streams.broker import Broker
from streams.ownership import Ownership

NOT_ASKED = "not asked yet"
EACH_S = 5.0
STALLED_S = 60.0
"""So long may a partition lie behind, with Kafka there, without a record being taken: then the consumer is dead."""

log = logging.getLogger(__name__)


class Watch:
    """Looks every few seconds; `kafka` is ``"ok"`` or what is wrong with it.

    `is_waiting` tells whether there is a good reason for taking no record: reading back, or waiting for the store.
    """

    def __init__(
        self, broker: Broker, ownership: Ownership, topics: tuple[str, ...], is_waiting: Callable[[], bool]
    ) -> None:
        self.kafka = NOT_ASKED
        self._broker = broker
        self._ownership = ownership
        self._topics = topics
        self._is_waiting = is_waiting
        self._well_since: float | None = None

    def start(self) -> None:
        """Begin to watch, until the process ends."""
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self.look()
            except Exception as error:
                end.at_once(f"the watch failed: {error!r}")
            pause.wait(EACH_S)

    def look(self) -> None:
        """Look once; ends the process if the log was replaced, or if the consumer is dead."""
        try:
            self._ownership.demand_same(self._broker.topic_ids(self._topics))
            if self._is_stalled():
                end.at_once(f"no record was taken for {STALLED_S:g} s, though there are some")
            self._note("ok")
            self._well_since = self._well_since or monotonic()
        except Unavailable as error:
            self._note(str(error))
            self._well_since = None

    def _note(self, state: str) -> None:
        if state != "ok" and self.kafka != state:
            log.warning("%s; waiting for it", state)
        elif state == "ok" and self.kafka not in ("ok", NOT_ASKED):
            log.info("Kafka answers again")
        self.kafka = state

    def _is_stalled(self) -> bool:
        if self._is_waiting():
            self._well_since = None
        latest = max(self._ownership.moved_at, self._well_since or monotonic())
        if monotonic() - latest < STALLED_S:
            return False
        ends = self._broker.ends(self._ownership.standing())
        return any(ends[where] > offset for where, (offset, _) in self._ownership.standing().items() if where in ends)
