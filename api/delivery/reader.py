"""Notices of the log, written into the database as deliveries before the log is told that they were read."""

import time
from collections.abc import Callable
from logging import CRITICAL, getLogger
from threading import Event, Thread
from typing import NamedTuple

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicCollection
from confluent_kafka.admin import AdminClient

from api.control.dispatch import Dispatch, Heard
from api.delivery import meters
from pulse import end
from pulse.absence import Absence, answers
from pulse.errors import PulseError
from pulse.notice import Notice
from pulse.reaching import reaching
from pulse.settings import Settings
from pulse.topics import ALERTS, SUMMARIES

GROUP = "pulse-delivery"
TOPICS = (ALERTS, SUMMARIES)
FETCHED = 200
IDLE_S = 0.25
MORE_S = 0.01
SHORTEST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
ASKED_S = 2.0
LONGEST_WRITE_MS = 3_600_000
LONGEST_ID, LONGEST_KIND = 200, 100
WAITING = "waiting for the group"

log = getLogger(__name__)
SILENT = getLogger("api.delivery.asking")
SILENT.setLevel(CRITICAL)


class Told(NamedTuple):
    """What is called, from the reader's thread, when notices were written, and when it has ended."""

    written: Callable[[], None]
    ended: Callable[[], None]


class Reader:
    """Reads notices in a thread until `stop` is set; `failed` is why it ended before."""

    def __init__(self, settings: Settings, dispatch: Dispatch, tell: Told, stop: Event) -> None:
        self.state = WAITING
        self.failed: KafkaException | None = None
        self._dispatch, self._tell, self._stop = dispatch, tell, stop
        self._consumer = Consumer(_config(settings), logger=getLogger("api.delivery.kafka"))
        self._absence = Absence(settings.session_timeout_ms, lambda: answers(self._consumer))
        self._admin = AdminClient(reaching(settings.kafka_url), logger=SILENT)
        self._thread = Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def fault(self) -> str:
        """``"ok"``, or what is wrong with the log."""
        if self.state != "ok":
            return self.state
        try:
            described = self._admin.describe_topics(TopicCollection(list(TOPICS)), request_timeout=ASKED_S)
            for each in described.values():
                each.result()
        except KafkaException as error:
            return f"does not answer: {error.args[0].str()}"
        return "ok"

    def join(self) -> None:
        """Wait for the end, once `stop` is set; not for long, if it waits for a Kafka that is away."""
        self._thread.join(end.LEAVING_S)

    def _run(self) -> None:
        try:
            moved = {"on_revoke": self._on_moved, "on_lost": self._on_moved}
            self._consumer.subscribe(list(TOPICS), on_assign=self._on_assign, **moved)
            while not self._stop.is_set():
                self._step()
            self._consumer.close()
        except KafkaException as error:
            self.failed = error
            self.state = error.args[0].str()
        finally:
            self._tell.ended()

    def _on_assign(self, *_: object) -> None:
        self.state = "ok"
        self._absence.end()

    def _on_moved(self, *_: object) -> None:
        self.state = WAITING
        self._absence.begin()

    def _step(self) -> None:
        self._absence.demand()
        first = self._consumer.poll(IDLE_S)
        messages = [] if first is None else [first, *self._consumer.consume(FETCHED - 1, MORE_S)]
        heard = [each for each in map(self._heard, messages) if each is not None]
        if heard and not self._write(heard):
            return
        if messages:
            self._commit()
        if heard:
            self._tell.written()

    def _heard(self, message: Message) -> Heard | None:
        error = message.error()
        if error is not None:
            self._complain(error)
            return None
        try:
            notice = notice_of(message.value() or b"")
        except ValueError as why:
            meters.NOTICES.labels("unreadable").inc()
            place = f"{message.topic()}/{message.partition()}@{message.offset()}"
            log.error("a notice cannot be read and is passed over: %s", why, extra={"place": place})
            return None
        meters.NOTICES.labels("read").inc()
        return Heard(notice, message.timestamp()[1])

    def _complain(self, error: KafkaError) -> None:
        log.warning("Kafka: %s", error.str())
        if error.fatal() or error.code() in (KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID):
            raise KafkaException(error)

    def _write(self, heard: list[Heard]) -> bool:
        """Write, however long the database is away; False if it was not before the end: nothing is committed then."""
        pause_s = SHORTEST_PAUSE_S
        while not self._stop.is_set():
            try:
                meters.WRITTEN.inc(self._dispatch.write(heard, time.time_ns() // 1_000_000))
                return True
            except PulseError as error:
                log.warning("%s; again in %.1f s", error, pause_s)
            self._stop.wait(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        return False

    def _commit(self) -> None:
        try:
            self._consumer.commit(asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._NO_OFFSET:
                log.warning("offsets were not committed, notices are read again: %s", error.args[0].str())


def notice_of(value: bytes) -> Notice:
    """The notice of a record; raises ValueError for what is none."""
    try:
        notice = msgspec.json.decode(value, type=Notice)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    if not notice.id or not notice.kind or not notice.site_id:
        raise ValueError("it lacks an id, a kind or a site")
    if len(notice.id) > LONGEST_ID or len(notice.kind) > LONGEST_KIND or len(notice.site_id) > 64:
        raise ValueError("its id, kind or site is too long")
    if "\0" in notice.id + notice.kind + notice.site_id:
        raise ValueError("its id, kind or site holds a NUL")
    return notice


def _config(settings: Settings) -> dict[str, str | int | float | bool]:
    return {
        **reaching(settings.kafka_url),
        "client.id": f"{GROUP}-{settings.instance}",
        "group.id": GROUP,
        "group.instance.id": settings.instance,
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": max(settings.session_timeout_ms // 6, 100),
        "max.poll.interval.ms": LONGEST_WRITE_MS,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": settings.fetch_wait_ms,
        "fetch.queue.backoff.ms": 20,
    }
