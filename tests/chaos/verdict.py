"""Whether the store has what was accepted, once each and nothing else; and if not, what differs and where it lies."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from confluent_kafka import Message
from msgspec import json

from pulse.topics import EVENTS, RAW, SLOW
from streams.broker import Broker
from tests.chaos import views
from tests.chaos.load import Tally
from tests.exact import Store

WITNESS = """
CREATE MATERIALIZED VIEW IF NOT EXISTS witness (event_id UUID, _log String, _partition UInt16, _place UInt64)
ENGINE = MergeTree ORDER BY event_id SETTINGS non_replicated_deduplication_window = 1000
AS SELECT event_id, _log, _partition, _place FROM events
"""
"""`events` collapses a row that was inserted twice when it merges; this keeps every row that ever went in."""

INSERTED_TWICE = """
SELECT event_id, arrayStringConcat(arraySort(groupArray(concat(toString(_partition), '/', toString(bitShiftRight(_place, 10))))), ' ')
FROM witness GROUP BY event_id HAVING count() > 1
"""
SHOWN = 20


@dataclass
class Verdict:
    """Ids that are missing, foreign, or were inserted twice (with the places), and what differs from the events.

    That are cells of minutes, rows of each view, and minutes of the ledger.
    """

    stored: int
    missing: set[str]
    foreign: set[str]
    doubled: dict[str, str]
    minutes: int
    views: dict[str, int]
    unbalanced: int

    @property
    def is_exact(self) -> bool:
        """Whether nothing differs."""
        return not (self.missing or self.foreign or self.doubled or self.minutes or self.views or self.unbalanced)

    def __str__(self) -> str:
        return (
            f"{self.stored:,} events stored, {len(self.missing)} missing, {len(self.foreign)} foreign, "
            f"{len(self.doubled)} doubled, {self.minutes} cells of minutes that differ, "
            f"{self.views or 'no'} rows of views, {self.unbalanced} minutes of the ledger"
        )


def judge(store: Store, tally: Tally) -> Verdict:
    """Compare what is stored with what was sent."""
    kept = store.ids()
    doubled = {id: f"{n} rows" for id, n in kept.items() if n > 1}
    doubled |= dict(store.rows(INSERTED_TWICE))
    return Verdict(
        len(kept),
        tally.accepted - kept.keys(),
        kept.keys() - tally.sent,
        doubled,
        store.differing_minutes(),
        views.differing(store),
        store.unbalanced(),
    )


def explain(verdict: Verdict, kafka_url: str, partitions: int) -> Iterator[str]:
    """A line for each of the first ids that differ: where it lies in the raw log and in the events."""
    found = whereabouts(kafka_url, partitions, verdict.missing | verdict.doubled.keys() | verdict.foreign)
    for kind in ("missing", "foreign", "doubled"):
        for id in islice(sorted(getattr(verdict, kind)), SHOWN):
            yield f"{kind} {id} {verdict.doubled.get(id, '')}: {'; '.join(found.get(id, ['in no log']))}"


def whereabouts(kafka_url: str, partitions: int, ids: Collection[str]) -> dict[str, list[str]]:
    """For each of some event ids the records that hold it, with offset and place."""
    broker = Broker(kafka_url)
    found = defaultdict(list)
    for topic in (RAW, SLOW, EVENTS) if ids else ():
        for partition in range(partitions):
            for message in broker.read((topic, partition), 0):
                for line in (message.value() or b"").splitlines():
                    if (id := json.decode(line).get("event_id")) in ids:
                        found[id].append(f"{topic}/{partition}@{message.offset()}{_place(message)}")
    return found


def _place(message: Message) -> str:
    headers: list[tuple[str, bytes]] = message.headers() or []  # type: ignore[assignment]
    return "".join(f" of {value.decode().partition(':')[2]}" for _, value in headers)
