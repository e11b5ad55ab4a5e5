"""The lines of an import that were refused: how many for which reason, the first of them, and a file of all."""

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from msgspec import Struct, json

from pulse.errors import PulseError

KEPT = 1_000
"""So many are kept to be shown; more are only counted, and written to the file of rejects."""


class Refusal(Struct, omit_defaults=True):
    """A refused line: where it stands, why, the field at fault, and the text if it was refused before it was sent."""

    file: str
    line: int
    reason: str
    field: str | None = None
    text: str | None = None


class Refusals:
    """Gathers refused lines; writes each to `path` as a line of JSON. Raises PulseError if that cannot be written."""

    def __init__(self, path: Path | None) -> None:
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self.first: list[Refusal] = []
        self._path = path
        self._out: IO[bytes] | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._out = self._path.open("wb")
            except OSError as why:
                raise PulseError(f"{self._path} cannot be written: {why.strerror}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._out is not None:
            self._out.close()

    def add(self, refusal: Refusal) -> None:
        """One more refused line."""
        self.count += 1
        self.reasons[f"{refusal.field}: {refusal.reason}" if refusal.field else refusal.reason] += 1
        if len(self.first) < KEPT:
            self.first.append(refusal)
        if self._out is not None:
            self._out.write(json.encode(refusal) + b"\n")
