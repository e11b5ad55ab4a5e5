"""Events of many requests gathered into few records: a record costs the stages behind as much as its events do."""

from asyncio import Future
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Protocol

from api.collector.pace import Pace
from pulse.topics import MAX_RECORD_BYTES, RAW


class Ticket:
    """A request that waits until all of its records are acknowledged, or one is not.

    `done` gets None once all are, or as soon as one is not, why.
    """

    __slots__ = ("awaited", "done")

    def __init__(self, done: "Future[str | None]") -> None:
        self.done = done
        self.awaited = 0

    def settle(self, error: str | None) -> None:
        """One of its records is acknowledged, or failed."""
        self.awaited -= 1
        if (error is not None or not self.awaited) and not self.done.done():
            self.done.set_result(error)


class Record:
    """Lines of one partition of a topic that go there together; `size` in bytes, `due` in seconds of the loop's clock.

    Once it is sealed, `payload` is its NDJSON, of `count` events. `is_out` where the log has it, or has failed with it.
    """

    __slots__ = ("count", "due", "is_out", "is_settled", "lines", "partition", "payload", "size", "tickets", "topic")

    def __init__(self, partition: int, topic: str = RAW) -> None:
        self.partition = partition
        self.topic = topic
        self.lines: list[bytes] = []
        self.size = 0
        self.tickets: list[Ticket] = []
        self.due = 0.0
        self.is_settled = self.is_out = False
        self.count = 0
        self.payload = b""

    def take(self, lines: list[bytes], size: int, ticket: Ticket) -> None:
        """Add lines of a request."""
        self.lines += lines
        self.size += size
        self.tickets.append(ticket)
        ticket.awaited += 1

    def seal(self) -> None:
        """Add no more."""
        self.payload, self.count, self.lines = self.value(), len(self.lines), []

    def value(self) -> bytes:
        """The record's NDJSON."""
        return b"\n".join([*self.lines, b""]) if self.lines else self.payload

    def settle(self, error: str | None) -> bool:
        """Tell all who wait how it ended; False if they have been told before."""
        if self.is_settled:
            return False
        self.is_settled = True
        for ticket in self.tickets:
            ticket.settle(error)
        return True


class Log(Protocol):
    """Where records go."""

    @property
    def is_idle(self) -> bool:
        """Whether no record waits for its acknowledgement."""

    def send(self, record: Record) -> None:
        """Put a record into the log; it is settled later."""


class Timer(Protocol):
    """Something to come that can be called off."""

    def cancel(self) -> None:
        """Call it off."""


class Gatherer:
    """Gathers lines of a topic by partition, for `linger_s`, or up to ten times as long while requests flood in.

    A lone request does not wait: while nothing is on its way to the log, all that comes within one turn of the
    loop is sent at once. `later` calls a function after so many seconds of `clock`. `pending_bytes` are gathered and not
    yet sent.
    """

    def __init__(
        self,
        log: Log,
        later: Callable[[float, Callable[[], None]], Timer],
        linger_s: float,
        batch_events: int,
        most_bytes: int = MAX_RECORD_BYTES,
        clock: Callable[[], float] = monotonic,
        topic: str = RAW,
    ) -> None:
        self._log = log
        self._later = later
        self._linger_s = linger_s
        self._batch_events = batch_events
        self._most_bytes = most_bytes
        self._clock = clock
        self._pace = Pace()
        self._topic = topic
        self._open: dict[int, Record] = {}
        self._timer: Timer | None = None
        self.pending_bytes = 0

    def add(self, shares: Mapping[int, list[bytes]], ticket: Ticket) -> None:
        """Gather a request's lines by partition; `ticket` is settled by each record they go into."""
        self._pace.came(self._clock())
        for partition, lines in shares.items():
            self._add(partition, lines, ticket)
        if self._open and self._timer is None:
            self._timer = self._later(0 if self._log.is_idle else self._pace.linger(self._linger_s), self.flush)

    def flush(self) -> None:
        """Send all that is gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for partition in list(self._open):
            self._send(partition)

    def _add(self, partition: int, lines: list[bytes], ticket: Ticket) -> None:
        for part, size in cut(lines, self._room(partition), self._most_bytes):
            if size > self._room(partition):
                self._send(partition)
            record = self._open.setdefault(partition, Record(partition, self._topic))
            record.take(part, size, ticket)
            self.pending_bytes += size
        if len(self._open[partition].lines) >= self._batch_events:
            self._send(partition)

    def _room(self, partition: int) -> int:
        record = self._open.get(partition)
        return self._most_bytes - (record.size if record else 0)

    def _send(self, partition: int) -> None:
        record = self._open.pop(partition, None)
        if record is not None:
            self.pending_bytes -= record.size
            self._log.send(record)


def cut(lines: list[bytes], room: int, most: int) -> Iterable[tuple[list[bytes], int]]:
    """Lines in parts with their sizes, newlines counted: the first of at most `room` bytes, the others of `most`.

    A line that is larger than the room left begins a new part.
    """
    size = sum(map(len, lines)) + len(lines)
    if size <= room:
        return [(lines, size)]
    parts: list[tuple[list[bytes], int]] = []
    part: list[bytes] = []
    size = 0
    for line in lines:
        if part and size + len(line) + 1 > room:
            parts.append((part, size))
            part, size, room = [], 0, most
        part.append(line)
        size += len(line) + 1
    return [*parts, (part, size)]
