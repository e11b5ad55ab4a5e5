"""The sending itself: whatever is due goes out on whatever connection is free, and answers are taken as they come."""

import select
import time
from collections.abc import Callable
from math import inf
from pathlib import Path

from msgspec import structs

from bench.load.answers import Answers
from bench.load.profile import Load, Second, Summary
from bench.load.requests import Request, Requests
from bench.load.wire import Connection, Lost

GRACE_S = 15.0
"""How long answers are waited for after the last request."""
AGAIN_S = 0.2
IDLE_S = 0.05


class Sender:
    """Sends a load until its time is over or `stop` says so; `tell` is given each second's figures."""

    def __init__(self, load: Load, tell: Callable[[Second], None], stop: Callable[[], bool]) -> None:
        self._load = load
        self._tell = tell
        self._stop = stop
        self._requests = Requests(load, lambda: time.time_ns() // 1_000_000)
        self._answers = Answers(load.profile.size)
        self._poll = select.epoll()
        addresses = load.collectors
        self._connections = [Connection(addresses[n % len(addresses)]) for n in range(load.connections)]
        self._by_descriptor: dict[int, Connection] = {}
        for connection in self._connections:
            self._watch(connection)
        self._free = list(reversed(self._connections))
        self._down: list[tuple[float, Connection]] = []
        self._planned = 0
        self._bytes = 0
        self._cpu = time.process_time()
        self._begun_at = time.time()
        self._began = self._now = time.perf_counter()
        self._said = 0.0

    def run(self) -> Summary:
        """Send; and tell what came of it."""
        end = self._began + self._load.seconds
        while self._now < end and not self._stop() and self._has_more():
            self._turn(end)
        took = self._now - self._began
        self._end()
        return self._summary(took)

    def _has_more(self) -> bool:
        return self._planned < (self._load.requests or inf) or self._is_waiting()

    def _is_waiting(self) -> bool:
        return self._in_flight() > 0 or (self._load.patient and self._requests.has_failed)

    def _in_flight(self) -> int:
        return len(self._connections) - len(self._free) - len(self._down)

    def _turn(self, end: float) -> None:
        self._send_due()
        self._receive(max(min(self._next_due(), end, self._now + IDLE_S) - time.perf_counter(), 0))
        self._revive()
        if self._now - self._began >= self._said + 1:
            self._said = float(int(self._now - self._began))
            self._tell(self._second())

    def _next_due(self) -> float:
        if not self._free or self._planned >= (self._load.requests or inf):
            return inf
        return self._due(self._planned)

    def _due(self, number: int) -> float:
        return self._began + number / self._load.rate if self._load.rate else self._now

    def _send_due(self) -> None:
        self._now = time.perf_counter()
        while self._free:
            request = self._requests.failed(self._now) if self._load.patient else None
            if request is None:
                due = self._next_due()
                if due > self._now:
                    return
                request = self._requests.next(due)
                self._planned += 1
            self._send(self._free.pop(), request)

    def _send(self, connection: Connection, request: Request) -> None:
        connection.waiting = request
        self._answers.sent(request)
        self._bytes += len(request.content)
        try:
            connection.send(request.content)
        except Lost:
            self._lose(connection)
            return
        if connection.writing:
            self._poll.modify(connection.socket, select.EPOLLIN | select.EPOLLOUT)

    def _receive(self, seconds: float) -> None:
        for descriptor, event in self._poll.poll(seconds):
            connection = self._by_descriptor[descriptor]
            try:
                if event & select.EPOLLOUT and connection.writing:
                    self._write_on(connection)
                if event & ~select.EPOLLOUT and connection.receive():
                    self._answered(connection)
            except Lost:
                self._lose(connection)
        self._now = time.perf_counter()

    def _write_on(self, connection: Connection) -> None:
        connection.go_on()
        if not connection.writing:
            self._poll.modify(connection.socket, select.EPOLLIN)

    def _answered(self, connection: Connection) -> None:
        request, now = connection.waiting, time.perf_counter()
        connection.waiting = None
        if connection.writing:  # answered before it was sent in whole: the rest would be taken for another request
            raise Lost("refused while it was being sent")
        self._free.append(connection)
        assert isinstance(request, Request)
        is_good = self._answers.answered(request, connection.status, connection.content, now)
        if not is_good and self._load.patient:
            self._requests.fail(request, now + connection.retry_after)

    def _lose(self, connection: Connection) -> None:
        if isinstance(connection.waiting, Request):
            self._answers.lost += 1
            if self._load.patient:
                self._requests.fail(connection.waiting, time.perf_counter() + AGAIN_S)
            connection.waiting = None
        elif connection in self._free:
            self._free.remove(connection)
        self._by_descriptor.pop(connection.socket.fileno(), None)
        connection.close()
        self._down.append((time.perf_counter() + AGAIN_S, connection))

    def _revive(self) -> None:
        for due, connection in [each for each in self._down if each[0] <= self._now]:
            self._down.remove((due, connection))
            try:
                connection.renew()
            except OSError:
                self._down.append((self._now + AGAIN_S, connection))
                continue
            self._watch(connection)
            self._free.append(connection)

    def _watch(self, connection: Connection) -> None:
        self._by_descriptor[connection.socket.fileno()] = connection
        self._poll.register(connection.socket, select.EPOLLIN)

    def _end(self) -> None:
        """Wait for the answers that are still to come; the patient send what failed until it is accepted."""
        planned, self._load = self._planned, _closed(self._load, self._planned)
        until = time.perf_counter() + GRACE_S * (20 if self._load.patient else 1)
        while self._is_waiting() and time.perf_counter() < until:
            self._turn(until)
        self._planned = planned
        self._answers.lost += self._in_flight()

    def _behind(self) -> float:
        return max(self._now - self._due(self._planned), 0.0) if self._load.rate else 0.0

    def _second(self) -> Second:
        return Second(
            at=self._now - self._began,
            requests=self._answers.requests,
            accepted=self._answers.accepted,
            refused=self._answers.refused,
            in_flight=self._in_flight(),
            behind=self._behind(),
            cpu=time.process_time() - self._cpu,
        )

    def _summary(self, took: float) -> Summary:
        found, load = self._answers, self._load
        if load.answers:
            found.write(Path(load.answers), self._requests.sites)
        offered = int(took * load.rate) if load.rate else self._planned
        return Summary(
            began=self._begun_at,
            seconds=took,
            requests=found.requests,
            accepted=found.accepted,
            again=found.again,
            statuses=dict(found.statuses),
            lost=found.lost,
            unsent=max(offered - self._planned, 0),
            latency=found.quantiles(),
            cpu=time.process_time() - self._cpu,
            bytes_an_event=self._bytes / max(found.requests * load.profile.size, 1),
            by_site=found.by_site(self._requests.sites, len(load.keys)),
        )


def _closed(load: Load, planned: int) -> Load:
    return structs.replace(load, requests=planned or -1, rate=None)
