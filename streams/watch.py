"""Watching from a thread of its own: is Kafka there, is the log still the same, does the work go on."""

import logging
import threading
from collections.abc import Callable, Mapping
from time import monotonic

from pulse import end
from pulse.errors import Unavailable
from pulse.topics import REFINING
from streams.broker import Broker, Where
from streams.ownership import Ownership
from streams.stall import Stalls
from streams.unread import Standing
from streams.whole import REMEDY, missing

NOT_ASKED = "not asked yet"
EACH_S = 5.0

log = logging.getLogger(__name__)


class Watch:
    """Looks every few seconds; `kafka` is ``"ok"`` or what is wrong with it, `cut` tells of partitions that lost their end.

    `is_waiting` tells whether there is a good reason for taking no record: reading back, or waiting for the store;
    `standing` where each partition that is read stands.
    """

    def __init__(
        self,
        broker: Broker,
        ownership: Ownership,
        topics: tuple[str, ...],
        is_waiting: Callable[[], bool],
        standing: Callable[[], Standing],
    ) -> None:
        self._standing = standing
        self.kafka = NOT_ASKED
        self.cut: dict[Where, str] = {}
        self._broker = broker
        self._ownership = ownership
        self._topics = topics
        self._is_waiting = is_waiting
        self._stalls = Stalls()
        self._before: dict[Where, tuple[int, int]] = {}
        self._whole: dict[Where, int] = {}

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
            for (topic, partition), offset in self._stalled().items():
                end.at_once(f"{topic}/{partition} stands at offset {offset}, though there is a record")
            self._note("ok")
        except Unavailable as error:
            self._note(str(error))
            self._stalls.forget()
            self._before = self._before or self._ownership.last()
            self._whole.clear()

    def _note(self, state: str) -> None:
        if state != "ok" and self.kafka != state:
            log.warning("%s; waiting for it", state)
        elif state == "ok" and self.kafka not in ("ok", NOT_ASKED):
            log.info("Kafka answers again")
        self.kafka = state

    def _stalled(self) -> dict[Where, int]:
        standing = {where: offset for where, (offset, _) in self._standing().items()}
        ends = self._broker.ends(standing)
        self._look_at_ends(standing, ends)
        if self._is_waiting():
            self._stalls.forget()
            return {}
        found = self._stalls.look(standing, ends, monotonic())
        return {where: offset for where, offset in found.items() if self._has_record(where, offset)}

    def _look_at_ends(self, standing: Mapping[Where, int], ends: Mapping[Where, int]) -> None:
        """See that the raw log reaches to where the group stands, and after an outage that it holds what was taken last.

        An end that is told too early, as some brokers do, is looked at once for each standing.
        """
        asked = {
            where: (offset - 1, 0)
            for where, offset in standing.items()
            if ends[where] < offset and self._whole.get(where) != offset
        }
        for where, (offset, timestamp) in (asked | self._before).items():
            if where[0] in REFINING:
                self._note_cut(where, missing(self._broker, where, offset, timestamp))
        self._whole |= {where: offset for where, offset in standing.items() if where in asked}
        self._before = {}

    def _note_cut(self, where: Where, wrong: str) -> None:
        if wrong and where not in self.cut:
            self.cut[where] = f"{where[0]}/{where[1]} {wrong}: {REMEDY}"
            log.critical("%s", self.cut[where])

    def _has_record(self, where: Where, offset: int) -> bool:
        """Whether there is a record to take: what a transaction leaves behind counts in the end, and is none."""
        return next(self._broker.read(where, offset), None) is not None
