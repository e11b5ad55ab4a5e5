"""Samples of a stack, one a second while a measurement runs: CPU, memory, rows stored, lag of each hop."""

import threading
import time
from types import TracebackType
from typing import Self

import httpx
from msgspec import Struct, structs

from bench.hops import Hops
from bench.stack import Stack, cpu, memory

EVERY_S = 1.0


class Sample(Struct, frozen=True, kw_only=True):
    """A moment: seconds of CPU so far and MB by process, rows of `events`, records each hop lies behind."""

    at: float
    cpu: dict[str, float]
    memory: dict[str, float]
    stored: int | None
    """None while ClickHouse does not answer."""
    lag: dict[str, int]


class Sampling:
    """Takes samples in the background for as long as a block lasts; times are seconds since it began."""

    def __init__(self, stack: Stack, extra: dict[str, int] | None = None) -> None:
        self._stack = stack
        self._extra = extra if extra is not None else {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampling", daemon=True)
        self._began, self._begun_at = time.perf_counter(), time.time()
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        self._began, self._begun_at = time.perf_counter(), time.time()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def since(self, moment: float) -> list[Sample]:
        """The samples by seconds since a moment, itself in seconds since the epoch."""
        late = moment - self._begun_at
        return [structs.replace(each, at=each.at - late) for each in self.samples]

    def _run(self) -> None:
        hops = Hops(self._stack.product.url("kafka"), self._stack.layout.partitions)
        while True:
            self.samples.append(self._sample(hops))
            due = self._began + len(self.samples) * EVERY_S
            if self._end.wait(max(due - time.perf_counter(), 0.05)):
                break
        self.samples.append(self._sample(hops))
        hops.close()

    def _sample(self, hops: Hops) -> Sample:
        pids = self._stack.pids() | self._extra
        lag, stored = hops.lag(), self._stored()
        at = time.perf_counter() - self._began
        return Sample(at=at, cpu=cpu(pids), memory=memory(pids), stored=stored, lag=lag)

    def _stored(self) -> int | None:
        try:
            return self._stack.stored()
        except (httpx.HTTPError, AssertionError):
            return None
