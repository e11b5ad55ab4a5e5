"""Many events to the collector: in batches, several under way at a time, each tried until it is answered."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Generic, NamedTuple, Self, TypeVar

import httpx
import msgspec
import zstandard
from msgspec import Struct
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_any,
    stop_when_event_set,
    wait_exponential_jitter,
)
from tenacity.stop import stop_base

from pulse.command import wire
from pulse.errors import PulseError, Unavailable

Tag = TypeVar("Tag")

IN_FLIGHT = 4
BATCH_EVENTS = 1_000
BATCH_BYTES = 4 * 1024 * 1024
"""Well below what the collector takes at once."""
PATIENCE_S = 120.0
LONGEST_PAUSE_S = 10.0
LONGEST_ASKED_S = 60.0
HEADERS = {"content-type": "application/x-ndjson", "content-encoding": "zstd"}
YIELDING = {"pulse-lane": "slow"}
"""Lets the events of others go first."""
WORTH_TRYING = frozenset({408, 425, 429, 500, 502, 503, 504})


class RefusedEvent(Struct):
    """An event that the collector refused: its index in the batch, and why."""

    index: int
    reason: str = "invalid"
    detail: str = ""
    field: str | None = None
    id: str | None = None


class Answer(Struct):
    """What the collector made of a batch."""

    accepted: int = 0
    refused: list[RefusedEvent] = []


class Delivered(NamedTuple, Generic[Tag]):
    """A batch that was answered: what its sender knows it by, and the answer."""

    tags: Sequence[Tag]
    answer: Answer


class Later(Unavailable):
    """Not now, but perhaps after so many seconds."""

    def __init__(self, said: str, after: float | None = None) -> None:
        super().__init__(said)
        self.after = after


class Slower(Later):
    """The collector is there, but wants others to go first, or what is behind it to catch up."""


class Patience(stop_base):
    """Tells when to give up: after so many seconds without the collector. One that asks to wait is waited for."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since = 0.0

    def __call__(self, state: RetryCallState) -> bool:
        """Whether it is at its end."""
        passed = state.seconds_since_start or 0.0
        if isinstance(_failure(state), Slower):
            self._since = passed
            return False
        return passed - self._since >= self._seconds


class Delivery(Generic[Tag]):
    """Sends events, gathered into batches, which yield to those of others where `yields`; `done` is told of each answered batch, `waits` why one is tried again.

    `done` is called by the thread that sends, `waits` by others. A failure that patience does not mend is
    raised by `send` or `finish`: PulseError, saying what the collector said.
    """

    def __init__(
        self,
        url: str,
        key: str,
        done: Callable[[Delivered[Tag]], None],
        waits: Callable[[str], None] = lambda why: None,
        *,
        events: int = BATCH_EVENTS,
        in_flight: int = IN_FLIGHT,
        patience_s: float = PATIENCE_S,
        yields: bool = False,
    ) -> None:
        self._url = f"{url}/v1/events"
        self._headers = HEADERS | YIELDING if yields else HEADERS
        self._http = wire.client(key)
        self._done = done
        self._waits = waits
        self._most_events = events
        self._most_under_way = in_flight
        self._patience_s = patience_s
        self._pool = ThreadPoolExecutor(in_flight, thread_name_prefix="delivery")
        self._given_up = Event()
        self._under_way: deque[tuple[list[Tag], Future[Answer]]] = deque()
        self._tags: list[Tag] = []
        self._bodies: list[bytes] = []
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._given_up.set()
        self._pool.shutdown(cancel_futures=True)
        self._http.close()

    def send(self, tag: Tag, body: bytes) -> None:
        """Add one event's JSON; waits while as many batches as allowed are under way."""
        if self._bytes + len(body) > BATCH_BYTES:
            self.flush()
        self._tags.append(tag)
        self._bodies.append(body)
        self._bytes += len(body)
        if len(self._tags) >= self._most_events:
            self.flush()

    def flush(self) -> None:
        """Send what was gathered now."""
        if not self._tags:
            return
        while len(self._under_way) >= self._most_under_way:
            self._settle()
        self._under_way.append((self._tags, self._pool.submit(self._deliver, b"\n".join(self._bodies))))
        self._tags, self._bodies, self._bytes = [], [], 0
        while self._under_way and self._under_way[0][1].done():
            self._settle()

    def finish(self) -> None:
        """Send what is left and wait until all is answered."""
        self.flush()
        while self._under_way:
            self._settle()

    def _settle(self) -> None:
        tags, answered = self._under_way.popleft()
        self._done(Delivered(tags, answered.result()))

    def _deliver(self, lines: bytes) -> Answer:
        trying = Retrying(
            retry=retry_if_exception_type(Later),
            wait=_pause,
            stop=stop_any(Patience(self._patience_s), stop_when_event_set(self._given_up)),
            sleep=sleep_using_event(self._given_up),
            before_sleep=lambda state: self._waits(str(_failure(state))),
            reraise=True,
        )
        body = zstandard.compress(lines, 1)
        return trying(self._post, body)

    def _post(self, body: bytes) -> Answer:
        try:
            answer = self._http.post(self._url, content=body, headers=self._headers)
        except httpx.InvalidURL as why:
            raise PulseError(f"{self._url} is not an address: {why}") from None
        except httpx.HTTPError as why:
            raise Later(str(wire.away("the collector", self._url, why))) from None
        return answer_of(answer)


def answer_of(answer: httpx.Response) -> Answer:
    """What the collector made of a batch; raises Later where trying again is right, Refused where it is not."""
    if answer.status_code in WORTH_TRYING:
        kind = Slower if answer.status_code == 429 else Later
        raise kind(str(wire.refused("the collector", answer)), _seconds(answer.headers.get("retry-after")))
    if answer.status_code == 202 or (answer.status_code == 400 and wire.problem(answer).get("refused")):
        return msgspec.json.decode(answer.content, type=Answer)
    raise wire.refused("the collector", answer)


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdigit() else None


_backoff = wait_exponential_jitter(multiplier=0.2, max=LONGEST_PAUSE_S, jitter=0.2)


def _pause(state: RetryCallState) -> float:
    """As long as the collector asks for; longer each time where it does not say."""
    failure = _failure(state)
    asked = failure.after if isinstance(failure, Later) else None
    return _backoff(state) if asked is None else min(asked, LONGEST_ASKED_S)


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
