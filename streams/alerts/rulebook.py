"""All rules, as `pulse.config` tells them: read from its beginning, then followed."""

import logging
from collections import defaultdict
from dataclasses import replace
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition
from msgspec import DecodeError, json

from pulse.alerting.watched import Watched, watched_of
from pulse.errors import QueryError, Unavailable
from pulse.reaching import reaching
from pulse.settings import Settings
from pulse.topics import CONFIG

PATIENCE_S = 30.0
FETCHED = 1_000

log = logging.getLogger(__name__)


class Rulebook:
    """The rules by site. Raises Unavailable."""

    def __init__(self, settings: Settings) -> None:
        self._rules: dict[str, dict[str, Watched]] = defaultdict(dict)
        self._archived: set[str] = set()
        self._consumer = Consumer(_config(settings), logger=log)
        self._is_read = False

    def sites(self) -> list[str]:
        """The sites that have, or had, rules."""
        return [site for site, rules in self._rules.items() if rules]

    def of(self, site: str) -> list[Watched]:
        """The rules of a site; of one that is out of use all are switched off."""
        rules = self._rules[site].values()
        return [replace(each, is_on=False) if site in self._archived else each for each in rules]

    def begin(self) -> None:
        """Read everything, unless that has been done."""
        if self._is_read:
            return
        self._consumer.assign([TopicPartition(CONFIG, 0, OFFSET_BEGINNING)])
        while True:
            first = self._consumer.poll(PATIENCE_S)  # as `consume` waits until there are as many as it may give
            if first is None:
                raise Unavailable(f"Kafka gives nothing of {CONFIG}")
            found = [first, *self._consumer.consume(FETCHED, 0)]
            if any(_is_end(message) for message in [self._take(each)[1] for each in found]):
                break
        self._is_read = True

    def changes(self) -> set[str]:
        """The sites of which something has changed since it was asked last; returns at once."""
        found = (self._take(message)[0] for message in self._consumer.consume(FETCHED, 0))
        return {site for site in found if site}

    def close(self) -> None:
        """Give back the connection."""
        self._consumer.close()

    def _take(self, message: Message) -> tuple[str, Message]:
        """Note a record; the site that it is of, empty if it changes no rule."""
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                log.warning("Kafka: %s", error.str())
                if error.fatal():
                    raise KafkaException(error)
            return "", message
        kind, _, record_id = (message.key() or b"").decode(errors="replace").partition(":")
        record = _record(message.value() or b"")
        if record is None:
            return "", message
        if kind == "site":
            return self._note_site(record_id, record.get("archived") is not None), message
        return (self._note_rule(record) if kind == "rule" else ""), message

    def _note_site(self, site: str, is_archived: bool) -> str:
        if is_archived == (site in self._archived):
            return ""
        self._archived ^= {site}
        return site if self._rules.get(site) else ""

    def _note_rule(self, record: dict[str, Any]) -> str:
        try:
            watched = watched_of(record)
        except QueryError as error:
            log.warning("a rule is passed over: %s", error)
            return ""
        if self._rules[watched.site_id].get(watched.id) == watched:
            return ""
        self._rules[watched.site_id][watched.id] = watched
        return watched.site_id


def _record(value: bytes) -> dict[str, Any] | None:
    try:
        return json.decode(value, type=dict[str, Any]) if value else None
    except (DecodeError, UnicodeDecodeError):
        return None


def _is_end(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF


def _config(settings: Settings) -> dict[str, str | int | float | bool]:
    return {
        **reaching(settings.kafka_url),
        "group.id": "pulse-alerts-rules",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": settings.fetch_wait_ms,
    }
