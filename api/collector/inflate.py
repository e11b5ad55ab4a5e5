"""Decompression that stops at a limit: a small body may claim to be a huge one."""

import zlib
from collections.abc import Iterator

import zstandard

from api.collector.answer import Problem

GZIP = 16 + zlib.MAX_WBITS
ZSTD_WINDOW = 8 * 1024 * 1024
"""The largest window that zstd over HTTP needs (RFC 9659); a frame may ask for gigabytes."""
ZSTD_STEP = 512
"""Compressed bytes given to zstd at once: what it gives back has no limit but 32 kB for each byte."""
MAX_STREAMS = 64
"""Both formats allow several streams in a row; a body of a million empty ones is not one of ours."""


def too_large(limit: int) -> Problem:
    """The answer to a body beyond the limit in bytes."""
    return Problem(413, "too_large", f"the body is larger than {limit:,} bytes: send it in several requests")


def inflate(body: bytes, coding: str, limit: int) -> bytes:
    """A body as it was before compression.

    Raises Problem 413 as soon as more than `limit` bytes come out, 400 for a broken or unfinished stream.
    """
    if not coding:
        return body
    pieces = _ungzip(body, limit) if coding == "gzip" else _unzstd(body)
    whole, size = [], 0
    try:
        for piece in pieces:
            size += len(piece)
            if size > limit:
                raise too_large(limit)
            whole.append(piece)
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise Problem(400, "malformed", f"the body is not whole {coding}: {error}") from None
    return b"".join(whole)


def _ungzip(body: bytes, limit: int) -> Iterator[bytes]:
    for _ in range(MAX_STREAMS):
        stream = zlib.decompressobj(GZIP)
        yield stream.decompress(body, limit + 1)
        if not stream.eof:
            raise EOFError("it ends too early")
        body = stream.unused_data
        if not body:
            return
    raise EOFError(f"it consists of more than {MAX_STREAMS} streams")


def _unzstd(body: bytes) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    view, at = memoryview(body), 0
    for _ in range(MAX_STREAMS):
        stream = decompressor.decompressobj()
        while not stream.eof:
            if at >= len(view):
                raise EOFError("it ends too early")
            step = view[at : at + ZSTD_STEP]
            yield stream.decompress(step)
            at += len(step)
        at -= len(stream.unused_data)
        if at >= len(view):
            return
    raise EOFError(f"it consists of more than {MAX_STREAMS} streams")
