"""The numbered lines of a file, unpacked where it is packed."""

import gzip
import io
from collections.abc import Iterator
from typing import BinaryIO, cast

import zstandard

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
BUFFER = 65_536
MAX_LINE = 1024 * 1024
"""Of a longer line only this much is read; it is then refused as an event that is too large."""


def unpacked(packed: BinaryIO) -> io.BufferedReader:
    """The content of a gzip or zstd stream, known by its first bytes; any other stream as it is."""
    stream = _buffered(packed)
    first = stream.peek(4)[:4]
    if first[:2] == GZIP:
        return _buffered(gzip.GzipFile(fileobj=stream))
    if first == ZSTD:
        return _buffered(zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True))
    return stream


def _buffered(stream: object) -> io.BufferedReader:
    return io.BufferedReader(cast(io.RawIOBase, stream), BUFFER)


def numbered(stream: io.BufferedReader) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers from 1, each with its end; a line beyond `MAX_LINE` is cut there."""
    number = 0
    while line := stream.readline(MAX_LINE):
        number += 1
        yield number, line
        while len(line) == MAX_LINE and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE)


def opening(stream: io.BufferedReader, size: int = BUFFER) -> list[bytes]:
    """The first lines that are not blank, without taking them from the stream."""
    lines = stream.peek(size)[:size].splitlines(keepends=True)
    return [line for line in lines[:100] if line.strip()]
