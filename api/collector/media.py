"""What a body is, by its headers: its form and its compression."""

from api.collector.answer import Problem
from api.collector.header import remembered

JSON_TYPES = frozenset({"", "application/json", "text/plain"})
"""Taken as JSON; browsers' sendBeacon says text/plain, which needs no preflight."""
LINES_TYPES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
CODINGS = {"": "", "identity": "", "gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd"}


@remembered(256)
def is_lines(content_type: bytes) -> bool:
    """Whether a body of this content type is NDJSON rather than JSON; raises Problem 415 for any other type."""
    media = content_type.decode("latin-1").partition(";")[0].strip().lower()
    if media in JSON_TYPES:
        return False
    if media in LINES_TYPES:
        return True
    raise Problem(
        415,
        "unsupported_media_type",
        f"content type {media[:100]!r} is not taken: send application/json, application/x-ndjson or text/plain",
    )


@remembered(256)
def coding(content_encoding: bytes) -> str:
    """How a body is compressed: ``""``, ``"gzip"`` or ``"zstd"``; raises Problem 415 for anything else."""
    named = content_encoding.decode("latin-1").strip().lower()
    if named in CODINGS:
        return CODINGS[named]
    raise Problem(
        415,
        "unsupported_content_encoding",
        f"content encoding {named[:100]!r} is not taken: send the body plain, gzip or zstd",
        headers=((b"accept-encoding", b"gzip, zstd"),),
    )
