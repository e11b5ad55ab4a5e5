"""Which topics these are: one that was made anew under its old name has another id, and other offsets."""

from collections.abc import Iterable
from logging import getLogger
from threading import Event, Thread

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from pulse.errors import PulseError, Unavailable
from pulse.reaching import reaching

ASKED_S = 5.0
EVERY_S = 5.0
log = getLogger("clickhouse.sink.kafka")


class ReplacedError(PulseError):
    """The log is no longer the one that was being read: only a new start tells where to go on."""


class Identity:
    """The ids of some topics as they were at first, compared every few seconds and when asked to."""

    def __init__(self, servers: str, names: Iterable[str]) -> None:
        self._names = list(names)
        self._servers = servers
        self._admin = AdminClient(reaching(servers), logger=log)
        self._ended = Event()
        self.ids: dict[str, str] = {}
        self.state = "not asked yet"
        self.replaced = ""

    def begin(self) -> None:
        """Learn the ids, and keep comparing them in the background; raises Unavailable."""
        self.ids = self._ask()
        self.state = "ok"
        Thread(target=self._watch, name="identity", daemon=True).start()

    def check(self) -> None:
        """Raise ReplacedError if a topic is another than at first, Unavailable if Kafka does not answer."""
        self._compare(self._ask())
        self.demand()

    def demand(self) -> None:
        """Raise ReplacedError if a topic is known to be another; asks nobody."""
        if self.replaced:
            raise ReplacedError(self.replaced)

    def end(self) -> None:
        """Stop comparing."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_S):
            try:
                self._compare(self._ask())
            except Unavailable as error:
                self.state = str(error)

    def _compare(self, found: dict[str, str]) -> None:
        changed = [name for name, id in found.items() if id != self.ids[name]]
        if changed:
            self.replaced = f"made anew since: {', '.join(changed)}"
        self.state = self.replaced or "ok"

    def _ask(self) -> dict[str, str]:
        try:
            asked = self._admin.describe_topics(TopicCollection(self._names), request_timeout=ASKED_S)
            return {name: str(future.result().topic_id) for name, future in asked.items()}
        except KafkaException as error:
            raise Unavailable(f"Kafka at {self._servers}: {error.args[0].str()}") from None
