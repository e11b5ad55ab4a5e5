"""What became of each request: a byte for each, a float for each latency, sums for the rest."""

from array import array
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.load.requests import Request

UNSENT, SENT, ACCEPTED = 0, 1, 2
QUANTILES = (0.5, 0.95, 0.99, 0.999)


class Answers:
    """Counts answers; `states` is what became of each request by its number."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._good = b'{"accepted":%d,' % size
        self.states = bytearray()
        self.latencies = array("f")
        self.statuses: Counter[str] = Counter()
        self.accepted = self.requests = self.refused = self.lost = self.again = 0

    def sent(self, request: Request) -> None:
        """A request is on its way."""
        self.requests += 1
        self.again += request.again
        missing = request.number + 1 - len(self.states)
        if missing > 0:
            self.states += bytes(missing)
        self.states[request.number] = self.states[request.number] or SENT

    def answered(self, request: Request, status: int, content: bytes, now: float) -> bool:
        """A request is answered; whether it was accepted in whole."""
        is_good = status == 202 and content.startswith(self._good)
        self.statuses[str(status) if is_good or status != 202 else "202 in part"] += 1
        if not is_good:
            self.refused += 1
            return False
        self.latencies.append(now - request.due)
        if self.states[request.number] != ACCEPTED:
            self.states[request.number] = ACCEPTED
            self.accepted += self._size
        return True

    def quantiles(self) -> dict[str, float]:
        """The latency's quantiles in seconds, as p50, p95, …"""
        return quantiles(np.frombuffer(self.latencies, np.float32))

    def by_site(self, sites: "array[int]", many: int) -> list[int]:
        """Events accepted by site."""
        of = np.frombuffer(sites, np.uint16)
        states = np.frombuffer(bytes(self.states), np.uint8)
        counted = np.bincount(of[: len(states)][states == ACCEPTED], minlength=many)
        return [int(n) * self._size for n in counted]

    def write(self, file: Path, sites: "array[int]") -> None:
        """Keep what became of each request."""
        states = np.frombuffer(bytes(self.states), np.uint8)
        of = np.frombuffer(sites, np.uint16)[: len(states)]
        np.savez_compressed(file, states=states, sites=of, latencies=np.frombuffer(self.latencies, np.float32))


def quantiles(latencies: npt.NDArray[np.float32]) -> dict[str, float]:
    """Quantiles as p50, p95, …; none of nothing."""
    if not len(latencies):
        return {}
    found = np.quantile(latencies, QUANTILES)
    return {f"p{q * 100:g}": float(value) for q, value in zip(QUANTILES, found, strict=True)}
