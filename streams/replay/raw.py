"""A range of the raw log through the steps, slice by slice of each partition, in its order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec import Struct, json

from clickhouse.sink.record import Record
from pulse.errors import Unavailable
from pulse.place import Place
from pulse.replaying.span import Span
from pulse.topics import EVENTS, RAW, REJECTED
from streams.broker import Broker
from streams.decode import UNDECODABLE
from streams.devices import Devices
from streams.met import again
from streams.record import Taken
from streams.refinement import prepare
from streams.steps.step import Step

SLICE = 50_000
"""So many events are gathered before they are judged."""
MARGIN_MS = 3_600_000
"""So far beyond the range what a rule may move into it is looked for."""
DevicesBefore = Callable[[Taken], Devices]
"""Where devices were seen before a raw record."""


class _Received(Struct, gc=False):
    received_at: int = 0
    site_id: str = ""


_received = json.Decoder(_Received)
_encoder = json.Encoder()


@dataclass
class Slice:
    """What was made of the records of a partition from the offset `begin` on and before `end`; `repeated` within a record."""

    partition: int
    begin: int
    end: int
    events: list[Record] = field(default_factory=list)
    refused: list[Record] = field(default_factory=list)
    taken: int = 0
    repeated: int = 0
    size: int = 0


@dataclass
class Raw:
    """The raw log `log` of which a range is read, with the steps that its events are to go through; their devices are judged as they were."""

    broker: Broker
    log: str
    steps: Sequence[Step]
    span: Span
    devices: DevicesBefore

    def slices(self, partition: int, first: int, cut: int, passed: Callable[[int], None]) -> Iterator[Slice]:
        """The records of a partition from `first` on and before `cut`; `passed` is told how many more were read.

        Raises Unavailable, also where the log dropped records that were still to be read.
        """
        made, devices = Slice(partition, first, first), None
        for record in self._records(partition, first, cut):
            passed(record.offset + 1 - made.end)
            made.end = record.offset + 1
            if concerns(record, self.span):
                devices = devices or self.devices(record)
                self._refine(record, made, devices)
            if made.size >= SLICE:
                yield made
                made = Slice(partition, made.end, made.end)
        self._demand_kept(partition, first)
        made.end = max(cut, made.end)
        yield made

    def _records(self, partition: int, first: int, cut: int) -> Iterator[Taken]:
        if first >= cut:
            return
        for message in self.broker.read((RAW, partition), first):
            offset = message.offset() or 0
            if offset >= cut:
                return
            yield Taken(RAW, partition, offset, message.timestamp()[1], message.value() or b"")
            if offset == cut - 1:
                return

    def _demand_kept(self, partition: int, first: int) -> None:
        low, _ = self.broker.begin_of((RAW, partition), 0)
        if low > first:
            raise Unavailable(
                "the raw log gave up records of the range while it was read: drop this replay, run it again"
            )

    def _refine(self, record: Taken, made: Slice, devices: Devices) -> None:
        prepared = prepare(record, self.log, self.steps)
        [value] = again([b"".join(prepared.texts)], prepared.met, devices, record.timestamp)
        whole = zip(prepared.digests, value.split(b"\n")[:-1], strict=True)
        lines = [(one, line) for one, line in whole if self._holds(line)]
        once = list(dict(reversed(lines)).values())[::-1]
        refused = [
            each for each in prepared.refusals if self._is_wanted(each.site_id, each.received_at or record.timestamp)
        ]
        made.taken += len(lines) + len(refused)
        made.repeated += len(lines) - len(once)
        made.size += len(once) + len(refused)
        if once:
            made.events.append(self._record(EVENTS, record, once))
        if refused:
            made.refused.append(self._record(REJECTED, record, list(map(_encoder.encode, refused))))

    def _holds(self, line: bytes) -> bool:
        told = _received.decode(line)
        return self._is_wanted(told.site_id, told.received_at)

    def _is_wanted(self, site_id: str, received_at: int) -> bool:
        return self.span.site in ("", site_id) and self.span.holds(received_at, MARGIN_MS)

    def _record(self, topic: str, record: Taken, lines: Sequence[bytes]) -> Record:
        place = Place(self.log, record.partition, record.offset)
        return Record(topic, record.partition, record.offset, place, b"\n".join([*lines, b""]))


def concerns(record: Taken, span: Span) -> bool:
    """Whether a raw record may hold anything of a range: cheaper to tell than what becomes of it."""
    if span.holds(record.timestamp, MARGIN_MS):
        return True
    try:
        lines = _received.decode_lines(record.value)
    except UNDECODABLE:
        return True
    return any(not each.received_at or span.holds(each.received_at, MARGIN_MS) for each in lines)
