"""An entry of the spool: one record as it lies on disk, found again among whatever else lies there."""

from mmap import mmap
from struct import Struct
from typing import NamedTuple

import zstandard
from xxhash import xxh3_64

from pulse.topics import MAX_RECORD_BYTES, RAW, SLOW

MARK = b"\xf5\x00PE"
"""Begins each entry, so that the next one is found behind one that is damaged."""
MAX_PACKED = MAX_RECORD_BYTES + 100_000
"""No entry is longer than this behind its head: a length beyond it is damage."""

_HEAD = Struct("<4sIIIHH")
_SUM = Struct("<Q")
_SLOW = 1 << 15
"""Set in the number of partitions, which never reaches it, where the record is of the slow lane."""
HEAD_BYTES = _HEAD.size + _SUM.size
LEVEL = 1


class Entry(NamedTuple):
    """A record: its partition of so many, how many events it holds, its NDJSON, and the topic it belongs to."""

    partition: int
    partitions: int
    events: int
    value: bytes
    topic: str = RAW


class Found(NamedTuple):
    """An entry and where it lies in its segment."""

    start: int
    end: int
    entry: Entry


class Scanned(NamedTuple):
    """What a stretch of a segment holds: entries, the gaps that are none, and where to go on."""

    found: list[Found]
    gaps: list[tuple[int, int]]
    at: int


def pack(entry: Entry, seed: int) -> bytes:
    """An entry as bytes; `seed` is its segment's, so that it counts in no other."""
    packed = zstandard.ZstdCompressor(LEVEL).compress(entry.value)
    partitions = entry.partitions | _SLOW if entry.topic == SLOW else entry.partitions
    head = _HEAD.pack(MARK, len(packed), len(entry.value), entry.events, entry.partition, partitions)
    return head + _sum(head, packed, seed) + packed


def scan(data: bytes, base: int, seed: int, is_end: bool, most_bytes: int) -> Scanned:
    """The entries in `data`, which lies at `base` of its segment, up to `most_bytes` of their NDJSON.

    Where nothing follows (`is_end`), an unfinished entry is a gap; else it is left for the next stretch.
    """
    found: list[Found] = []
    gaps: list[tuple[int, int]] = []
    at = size = 0
    while at < len(data) and size < most_bytes:
        length = _length(data, at)
        if length and at + length > len(data) and not is_end:
            break
        entry = _entry(data, at, length, seed) if length else None
        if entry is None:
            gap, at = at, _next(data, at, is_end)
            gaps.append((base + gap, base + at))
            continue
        found.append(Found(base + at, base + at + length, entry))
        at += length
        size += len(entry.value)
    return Scanned(found, _joined(gaps), base + at)


def weigh(data: bytes | mmap, start: int) -> tuple[int, int]:
    """How many entries and events there seem to be from `start` on, judged by their heads alone."""
    entries = events = 0
    while (length := _length(data, start)) and start + length <= len(data):
        entries += 1
        events += _HEAD.unpack_from(data, start)[3]
        start += length
    return entries, events


def _length(data: bytes | mmap, at: int) -> int:
    """The length that what stands there claims, 0 if it is no entry; an unfinished head claims what it lacks."""
    if len(data) - at < HEAD_BYTES:
        return HEAD_BYTES if MARK.startswith(data[at : at + len(MARK)]) else 0
    mark, packed, size, _, _, _ = _HEAD.unpack_from(data, at)
    return HEAD_BYTES + packed if mark == MARK and packed <= MAX_PACKED and size <= MAX_PACKED else 0


def _entry(data: bytes, at: int, length: int, seed: int) -> Entry | None:
    if at + length > len(data):
        return None
    body = at + HEAD_BYTES
    head, packed = data[at : at + _HEAD.size], data[body : at + length]
    if data[at + _HEAD.size : body] != _sum(head, packed, seed):
        return None
    _, _, size, events, partition, partitions = _HEAD.unpack(head)
    try:
        value = zstandard.ZstdDecompressor().decompress(packed, size)
    except zstandard.ZstdError:
        return None
    return Entry(partition, partitions & ~_SLOW, events, value, SLOW if partitions & _SLOW else RAW)


def _next(data: bytes, at: int, is_end: bool) -> int:
    """Where the next entry may begin."""
    found = data.find(MARK, at + 1)
    if found >= 0:
        return found
    return len(data) if is_end else max(at + 1, len(data) - len(MARK) + 1)


def _joined(gaps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in gaps:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _sum(head: bytes, packed: bytes, seed: int) -> bytes:
    digest = xxh3_64(head, seed=seed)
    digest.update(packed)
    return _SUM.pack(digest.intdigest())
