"""What is sent: one JSON object, made once for all who get it, in the forms of both ways."""

import struct
from functools import cached_property
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
TEXT, PING, CLOSE = 0x81, 0x89, 0x88
"""The first byte of a frame that is whole (RFC 6455, 5.2)."""


class Message:
    """A message of a kind, perhaps with the id from which a client goes on after it; `rest` are its other members as JSON."""

    def __init__(self, kind: str, rest: bytes, id: str = "") -> None:
        self.kind = kind
        self.id = id
        own = b'"type":"%b"' % kind.encode() + (b',"id":"%b"' % id.encode() if id else b"")
        self.json = b"{" + own + (b"," + rest if rest else b"") + b"}"

    @cached_property
    def frame(self) -> bytes:
        """As a frame of a WebSocket."""
        return frame(TEXT, self.json)

    @cached_property
    def chunk(self) -> bytes:
        """As an event of `text/event-stream`."""
        return b"event: %b\n%bdata: %b\n\n" % (
            self.kind.encode(),
            b"id: %b\n" % self.id.encode() if self.id else b"",
            self.json,
        )


def message(kind: str, id: str = "", **members: Any) -> Message:
    """A message with members that are not JSON yet."""
    return Message(kind, _encode(members)[1:-1], id)


def gap(why: str) -> Message:
    """That something may be missing."""
    return message("gap", reason=f"what came after the last id may be missing in part: {why}")


def frame(first: int, payload: bytes) -> bytes:
    """A frame from a server, which masks nothing."""
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


def closing(code: int, reason: str) -> bytes:
    """The frame that ends a connection; of the reason as much as fits."""
    return frame(CLOSE, struct.pack("!H", code) + reason.encode()[:120].decode(errors="ignore").encode())
