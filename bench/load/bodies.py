"""Bodies without end: prepared texts in which only what is an event's own is written anew, all at once by numpy.

A text is one request of many events, or many requests of few: preparing costs the same for each event.
"""

import re
from collections.abc import Callable
from random import Random
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bench.load import ids
from bench.load.people import ADDRESS, ID, PERSONAS, TIME, WORD, Persona, events, personas
from bench.load.profile import Profile

EVENTS_A_TEXT = 500
MOST_TEXTS = 32
JITTER_MS = 2_000
"""Events of a batch happened within so long a time before it is sent."""
SESSION_MS = 1_800_000

Indexes = npt.NDArray[np.intp]

_HEX = np.frombuffer(b"".join(b"%02x" % n for n in range(256)), np.uint8).reshape(256, 2)
_FOUR = np.frombuffer(b"".join(b"%04d" % n for n in range(10_000)), np.uint8).reshape(10_000, 4)
_DASHLESS = np.array([n for n in range(36) if ID[n] != "-"])
_OCTETS = np.array([1, 2, 5, 6, 9, 10, 13, 14])
"""Of an address like 1dd.1dd.1dd.1dd, where its eight digits stand."""


class Body(NamedTuple):
    """A request's body; `number` counts requests, `due` of the caller's clock is added by the caller."""

    number: int
    content: bytes


class Text:
    """A prepared text: its bytes, the span of each request within it, and where each event's own parts stand."""

    def __init__(self, requests: list[str], persona: list[int]) -> None:
        whole = "".join(requests).encode()
        self.bytes = np.frombuffer(whole, np.uint8).copy()
        ends = np.cumsum([len(request.encode()) for request in requests]).tolist()
        self.spans = list(zip([0, *ends[:-1]], ends, strict=True))
        self.persona = np.array(persona, np.uint64)
        self.ids = _at(whole, b'"event_id":"', _DASHLESS)
        self.times = _at(whole, b'"ts":', np.arange(len(TIME)))
        self.visitors = _at(whole, b'"visitor_id":"', np.arange(len(WORD)))
        self.sessions = _at(whole, b'"session_id":"', np.arange(len(WORD)))
        self.addresses = _at(whole, b'"ip":"', _OCTETS) if ADDRESS.encode() in whole else None


class Bodies:
    """The bodies of a profile, in the order of their numbers; `now` gives ms since the epoch."""

    def __init__(self, profile: Profile, stream: int, now: Callable[[], int], at_once: int = EVENTS_A_TEXT) -> None:
        self._profile = profile
        self._stream = stream
        self._now = now
        self._random = np.random.default_rng(profile.seed)
        self._texts = texts(profile, max(at_once // profile.size, 1))
        self._number = 0

    def next(self) -> list[Body]:
        """The requests of the next text."""
        text = self._texts[self._number // len(self._texts[0].spans) % len(self._texts)]
        some = ids.counters(self._stream, self._number * self._profile.size, len(text.persona))
        self._write(text, some)
        content = text.bytes.tobytes()
        first = self._number
        self._number += len(text.spans)
        return [Body(first + n, content[begin:end]) for n, (begin, end) in enumerate(text.spans)]

    def _write(self, text: Text, some: ids.Words) -> None:
        upper, lower = ids.halves(some)
        text.bytes[text.ids] = np.hstack((_hex(upper), _hex(lower)))
        who = visitors(upper, text.persona, self._profile.visitors)
        text.bytes[text.visitors] = _hex(ids.mix(who))
        times = self._times(len(some))
        text.bytes[text.times] = _digits(times, len(TIME))
        text.bytes[text.sessions] = _hex(ids.mix(who << np.uint64(24) ^ times // np.uint64(SESSION_MS)))
        if text.addresses is not None:
            text.bytes[text.addresses] = _digits(who % np.uint64(10**8), 8)

    def _times(self, many: int) -> ids.Words:
        times = self._now() - self._random.integers(0, JITTER_MS, many)
        late = np.flatnonzero(self._random.random(many) < self._profile.late_ratio)
        times[late] -= (self._random.random(len(late)) * self._profile.late_hours * 3_600_000).astype(np.int64)
        return times.astype(np.uint64)


def texts(profile: Profile, requests: int) -> list[Text]:
    """Prepared texts of so many requests each."""
    random = Random(f"{profile.seed}:texts")
    those = personas(profile.seed, profile.with_agents)
    return [_text(random, those, profile.size, requests) for _ in range(MOST_TEXTS)]


def visitors(random: ids.Words, persona: ids.Words, many: int) -> ids.Words:
    """Who each event is of: a visitor of its persona, a few of them often and most seldom."""
    share = (random >> np.uint64(11)).astype(np.float64) / (1 << 53)
    own = np.maximum(many // PERSONAS, 1)
    found: ids.Words = (share * share * own).astype(np.uint64) * np.uint64(PERSONAS) + persona
    return found


def _text(random: Random, those: list[Persona], size: int, requests: int) -> Text:
    found, persona = events(random, those, size * requests)
    if size == 1:
        return Text(found, persona)
    bodies = [",".join(found[n : n + size]) for n in range(0, len(found), size)]
    return Text([f"[{body}]" for body in bodies], persona)


def _at(whole: bytes, name: bytes, columns: npt.NDArray[np.int64]) -> Indexes:
    begins = np.array([match.end() for match in re.finditer(re.escape(name), whole)])
    return begins[:, None] + columns


def _hex(words: ids.Words) -> npt.NDArray[np.uint8]:
    pairs = words.astype(">u8").view(np.uint8)
    return _HEX[pairs].reshape(len(words), 16)


def _digits(numbers: ids.Words, many: int) -> npt.NDArray[np.uint8]:
    pieces, rest = [], numbers
    for _ in range(-(-many // 4)):
        over = rest // np.uint64(10_000)
        pieces.append(_FOUR[rest - over * np.uint64(10_000)])
        rest = over
    return np.hstack(pieces[::-1])[:, -many:]
