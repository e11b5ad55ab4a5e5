"""Which sites keep less of their visitors than they are sent, as `pulse.config` tells: read from its beginning, then followed."""

import logging
import time
from threading import Thread

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition
from msgspec import DecodeError, Struct, json

from pulse.errors import Unavailable
from pulse.mode import ANONYMOUS, MODES, STANDARD
from pulse.reaching import reaching
from pulse.settings import Settings
from pulse.topics import CONFIG

PATIENCE_S = 30.0
PAUSE_S = 1.0
FETCHED = 1_000

log = logging.getLogger(__name__)


class _Site(Struct):
    mode: str = STANDARD


_site = json.Decoder(_Site)


class Modes:
    """The modes of sites that have another than the usual one; `of` changes while it is followed."""

    def __init__(self, settings: Settings) -> None:
        self.of: dict[str, str] = {}
        self._consumer = Consumer(_config(settings), logger=log)

    def begin(self) -> None:
        """Read everything. Raises Unavailable."""
        self._consumer.assign([TopicPartition(CONFIG, 0, OFFSET_BEGINNING)])
        while True:
            first = self._consumer.poll(PATIENCE_S)
            if first is None:
                raise Unavailable(f"Kafka gives nothing of {CONFIG}")
            found = [first, *self._consumer.consume(FETCHED, 0)]
            if any([self._take(each) for each in found]):  # noqa: C419 - all are to be taken
                return

    def begin_patiently(self) -> None:
        """The same, however long that takes: nothing is refined before it is known what may be kept."""
        while True:
            try:
                return self.begin()
            except Unavailable as error:
                log.warning("%s; trying again", error)

    def follow(self) -> None:
        """Take over changes, from a thread of its own, until the process ends."""
        Thread(target=self._follow, name="modes", daemon=True).start()

    def close(self) -> None:
        """Give back the connection."""
        self._consumer.close()

    def _follow(self) -> None:
        while True:
            try:
                message = self._consumer.poll(PATIENCE_S)
                if message is not None:
                    self._take(message)
            except Exception:
                log.exception("what sites keep cannot be followed; what was known stays")
                time.sleep(PAUSE_S)

    def _take(self, message: Message) -> bool:
        """Note a record; whether it is the end of what is there."""
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                log.warning("Kafka: %s", error.str())
            return error.code() == KafkaError._PARTITION_EOF
        kind, _, site = (message.key() or b"").decode(errors="replace").partition(":")
        if kind == "site":
            self._note(site, message.value() or b"")
        return False

    def _note(self, site: str, value: bytes) -> None:
        try:
            mode: str = _site.decode(value).mode if value else STANDARD
        except (DecodeError, UnicodeError):
            log.warning("a site's record cannot be read: the least is kept of its visitors", extra={"site": site})
            mode = ANONYMOUS
        if mode not in MODES:
            log.warning("a site's mode is not known: the least is kept of its visitors", extra={"site": site})
            mode = ANONYMOUS
        if mode == STANDARD:
            self.of.pop(site, None)
        else:
            self.of[site] = mode


def _config(settings: Settings) -> dict[str, str | int | float | bool]:
    return {
        **reaching(settings.kafka_url),
        "group.id": "pulse-streams-modes",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": settings.fetch_wait_ms,
    }
