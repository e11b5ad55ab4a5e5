"""Refinement of one raw record: a list of small steps over each event, then duplicates, then output records, with their rollup.

Pure apart from the memory of its partition: the same record with the same memory gives the same output.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from copy import copy
from dataclasses import dataclass, field
from itertools import compress
from time import perf_counter

from msgspec import json

from pulse.clock import Bounds
from pulse.event import RefinedEvent
from pulse.network.finder import Finder
from pulse.place import Place
from pulse.rejection import Reason, Refused
from pulse.risk.rule_sets import rule_set
from pulse.settings import Settings
from pulse.topics import EVENTS, MAX_RECORD_BYTES, REJECTED
from streams.decode import Decoded, anew, decode, refused
from streams.ledger import accounted, entries, headers
from streams.memory import Memory
from streams.met import Met, again, kept_of
from streams.recent import array_of
from streams.record import Made, Taken, cut, written
from streams.rollup import rolled_up, rollup
from streams.seen import digests
from streams.steps.client import put_client
from streams.steps.currency import put_currencies, put_currency
from streams.steps.identity import (
    NO_MODES,
    drop_without_site,
    have_sites,
    put_event_id,
    put_event_ids,
    put_visitor,
    put_visitors,
)
from streams.steps.mode import HideByMode, hiding
from streams.steps.page import put_visit, put_visits
from streams.steps.properties import put_all_properties, put_properties
from streams.steps.risk import hide_device, hide_devices
from streams.steps.step import Arrival, Refusal, Step, Together, take
from streams.steps.time import drop_too_old, put_received_at, put_time
from streams.tally import Counted, Tally

GROWTH = 180
"""By so many bytes at most a line grows when its device is judged once more; lines are twice as long and more."""
TIMED_EACH = 64
"""Of one event in each so many records it is noted how long each step takes."""

log = logging.getLogger(__name__)
_encoder = json.Encoder()


def steps_of(settings: Settings, finder: Finder | None = None, modes: Mapping[str, str] = NO_MODES) -> tuple[Step, ...]:
    """The steps in their order; `modes` are those of sites, and may change. Raises SettingError if the geographic database cannot be read."""
    finder = finder or Finder(settings.networks_folder, settings.geo_database)
    bounds = Bounds(int(settings.late_days * 86_400_000), int(settings.early_seconds * 1000))
    put_own = put_visitor(settings.secret.get_secret_value(), modes)
    return (
        Together(drop_without_site, have_sites),
        Together(put_event_id, put_event_ids),
        put_received_at(bounds.early_ms),
        put_time(bounds.early_ms),
        drop_too_old(bounds),
        Together(put_properties, put_all_properties),
        Together(put_currency, put_currencies),
        HideByMode(modes),
        Together(put_own, put_visitors(put_own)),
        put_client(finder, rule_set(settings.risk_rules)),
        Together(put_visit, put_visits),
        Together(hide_device, hide_devices),
    )


@dataclass
class Refined:
    """What became of a raw record: records to write, and what to count.

    `seconds` is how long each step took over an event, noted of few.
    """

    events: list[Made] = field(default_factory=list)
    refused: list[Made] = field(default_factory=list)
    metrics: list[Made] = field(default_factory=list)
    taken: int = 0
    kept: int = 0
    duplicates: int = 0
    bots: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass
class Prepared:
    """A raw record after the steps: its events as lines to be written, what is remembered and counted of each, and what was refused.

    `met` are those of devices that are to be judged once more, by where they were seen.
    """

    record: Taken
    texts: list[bytes] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    refusals: list[Refused] = field(default_factory=list)
    met: list[Met] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def lines(self) -> list[bytes]:
        """Its events, each as it is written; mostly all of them are, and need not be told apart."""
        return _lines(self.texts)

    def add(self, events: Sequence[RefinedEvent], text: bytes) -> None:
        """Note some more events, with the lines as which they are written; they themselves are not kept."""
        self.texts.append(text)
        self.digests += digests(events)
        self.tally.add(events)

    def meet(self, events: Sequence[RefinedEvent], arrival: Arrival) -> None:
        """Note those of some more events, not added yet, whose device is to be judged."""
        places = {id(event): number for number, event in enumerate(events, len(self.digests))}
        self.met += [Met(places[id(event)], event, said) for event, said in arrival.met if id(event) in places]
        arrival.met.clear()


def refine(record: Taken, log_id: str, memory: Memory, steps: Sequence[Step], partitions: int = 1) -> Refined | None:
    """Refine a raw record of a log by what is known of it here; None if what it gives is in the log already."""
    if memory.first_part(record.offset, log_id) is None:
        return None
    prepared = prepare(record, log_id, steps)
    known = memory.look(array_of(prepared.digests)).known
    return settle(prepared, log_id, memory, set(compress(prepared.digests, known)), partitions)


def prepare(record: Taken, log_id: str, steps: Sequence[Step]) -> Prepared:
    """Take the events of a raw record through the steps. Never raises for what is in it."""
    prepared = Prepared(record)
    arrival, hide = Arrival(log_id, record.partition, record.offset, record.timestamp), hiding(steps)
    for found in _decoded(record):
        if found.events and not record.offset % TIMED_EACH and not prepared.seconds:
            prepared.seconds = _timed(steps, found.events[0], arrival)
        prepared.refusals += hide.unread(found.refused)
        passed = _passed(found, arrival, steps, prepared.refusals, hide)
        events, text = _encoded(passed, arrival, prepared.refusals, hide)
        if arrival.met:
            prepared.meet(events, arrival)
        prepared.add(events, text)
    return prepared


def settle(
    prepared: Prepared, log_id: str, memory: Memory, known: AbstractSet[bytes], partitions: int = 1
) -> Refined | None:
    """What is to be written of a record, once it is `known` which of its ids had been seen before the latest.

    `partitions` are those of the metrics.
    """
    record, texts, seen, refusals = prepared.record, prepared.texts, prepared.digests, prepared.refusals
    first_part = memory.first_part(record.offset, log_id)
    if first_part is None:
        return None
    fresh = memory.unseen(record.offset, seen, known, log_id)
    taken = kept = prepared.tally.counted()
    met = prepared.met
    if not all(fresh):
        met = kept_of(met, fresh)
        texts = [b"%s\n" % line for line in compress(prepared.lines, fresh)]
        seen, kept = list(compress(seen, fresh)), prepared.tally.counted(fresh)
    ledgers = headers(entries(taken.by_receipt(), kept.by_receipt(), refusals, record.timestamp))
    values = accounted(again(_values(texts, len(met)), met, memory.devices, record.timestamp), ledgers)
    refused_values = cut(map(_encoder.encode, refusals))
    if values:
        memory.written(record.offset, len(values) - 1, seen, record.timestamp, log_id)
    events = _records(EVENTS, values, record, log_id)
    return Refined(
        events=events[first_part:],
        refused=_records(REJECTED, [(value, None) for value in refused_values], record, log_id),
        metrics=_metrics(events[first_part:], kept, partitions, len(events)),
        taken=len(fresh) + len(refusals),
        kept=len(seen),
        duplicates=len(fresh) - len(seen),
        bots=kept.bots(),
        reasons=Counter(refusal.reason for refusal in refusals),
        seconds=prepared.seconds,
    )


def _decoded(record: Taken) -> Iterator[Decoded]:
    try:
        yield from decode(record.value)
    except Exception as error:
        why = _unexpected(decode, Arrival("", record.partition, record.offset, record.timestamp), error)
        yield Decoded([], [], [], [refused(record.value, 0, why)])


def _passed(
    found: Decoded, arrival: Arrival, steps: Sequence[Step], refusals: list[Refused], hide: HideByMode
) -> Decoded:
    """The events that pass all steps; the others are added to the refusals."""
    if _all_pass(found, arrival, steps):
        return found
    return _singly(found._replace(events=anew(found.lines)), arrival, steps, refusals, hide)


def _singly(
    found: Decoded, arrival: Arrival, steps: Sequence[Step], refusals: list[Refused], hide: HideByMode
) -> Decoded:
    """The same, one after the other."""
    events, lines, indexes = list[RefinedEvent](), list[bytes](), list[int]()
    for event, line, index in zip(found.events, found.lines, found.indexes, strict=True):
        arrival.index = index
        refusal = _run(steps, event, arrival)
        if refusal is None:
            events.append(event)
            lines.append(line)
            indexes.append(index)
        else:
            refusals.append(refused(hide.line(line, event), index, refusal, event))
    return Decoded(events, lines, indexes, [])


def _all_pass(found: Decoded, arrival: Arrival, steps: Sequence[Step]) -> bool:
    """Take all events through the steps together; where one does not pass it is all to be done anew, one by one."""
    arrival.indexes = found.indexes
    try:
        if take(steps, found.events, arrival):
            return True
    except Exception:
        log.debug("refinement failed on an event among others", exc_info=True)
    arrival.met.clear()
    return False


def _encoded(
    passed: Decoded, arrival: Arrival, refusals: list[Refused], hide: HideByMode
) -> tuple[Sequence[RefinedEvent], bytes]:
    """The events that passed, and their lines; what cannot be written is added to the refusals."""
    try:
        return passed.events, _encoder.encode_lines(passed.events)
    except Exception:
        events = _singly(passed, arrival, (put_into_line,), refusals, hide).events
        return events, _encoder.encode_lines(events)


def put_into_line(event: RefinedEvent, arrival: Arrival) -> None:
    """The step that raises for what cannot be written; taken only where something cannot."""
    _encoder.encode(event)


def _run(steps: Sequence[Step], event: RefinedEvent, arrival: Arrival) -> Refusal | None:
    step: Step | None = None
    try:
        for step in steps:
            refusal = step(event, arrival)
            if refusal is not None:
                return refusal
    except Exception as error:
        return _unexpected(step, arrival, error)
    return None


def _timed(steps: Sequence[Step], event: RefinedEvent, arrival: Arrival) -> dict[str, float]:
    """How long each step takes over a copy of an event."""
    event, seconds = copy(event), {}
    for step in steps:
        began = perf_counter()
        refusal = _run((step,), event, arrival)
        seconds[name_of(step)] = perf_counter() - began
        if refusal is not None:
            break
    return seconds


def name_of(step: Callable[..., object] | None) -> str:
    """A step's name: its function's, or that of the function that made it."""
    return getattr(step, "__qualname__", "").partition(".")[0]


def _unexpected(step: Callable[..., object] | None, arrival: Arrival, error: Exception) -> Refusal:
    log.error(
        "refinement failed on an event",
        exc_info=error,
        extra={"step": name_of(step), "partition": arrival.partition, "offset": arrival.offset, "line": arrival.index},
    )
    return Refusal(Reason.unexpected, "", f"{name_of(step)}: {type(error).__name__}")


def _lines(texts: list[bytes]) -> list[bytes]:
    return b"".join(texts).split(b"\n")[:-1]


def _values(texts: list[bytes], growing: int) -> list[bytes]:
    """Where some are still growing it is cut as if they had: by what the raw record says alone, so that its parts are always the same."""
    if sum(map(len, texts)) + GROWTH * growing > MAX_RECORD_BYTES:
        return cut(_lines(texts), MAX_RECORD_BYTES * 2 // 3 if growing else MAX_RECORD_BYTES)
    text = b"".join(texts)
    return [text] if text else []


def _metrics(events: Sequence[Made], kept: Counted, partitions: int, parts: int) -> list[Made]:
    """The partial aggregates of records of events; where a raw record gives one alone, they are counted already."""
    if len(events) == parts == 1:
        return rolled_up(kept.by_minute(), events[0].place, events[0].timestamp, partitions)
    return [made for part in events for made in rollup(written(part), partitions)]


def _records(topic: str, values: Sequence[tuple[bytes, bytes | None]], record: Taken, log_id: str) -> list[Made]:
    return [
        Made(
            topic,
            record.partition,
            value,
            Place(log_id, record.partition, record.offset, part),
            record.timestamp,
            ledger,
        )
        for part, (value, ledger) in enumerate(values)
    ]
