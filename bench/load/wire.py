"""HTTP/1.1 over a socket that never blocks: one request at a time, kept alive."""

import socket
from contextlib import suppress

BUFFER = 1 << 20
CONNECT_S = 5.0


class Lost(Exception):
    """The connection is gone, and with it the answer."""


class Connection:
    """A connection to a collector; `waiting` is whatever its user wants to know again once the answer comes."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.waiting: object = None
        self.writing = False
        self.status = 0
        self.retry_after = 1.0
        self.content = b""
        self._unsent: memoryview = memoryview(b"")
        self._received = b""
        self.socket = self._connect()

    def renew(self) -> None:
        """Connect anew; raises OSError if nobody listens."""
        self.close()
        self.writing, self._received = False, b""
        self.socket = self._connect()

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self.socket.close()

    def send(self, request: bytes) -> None:
        """Send a request, as far as it goes now; `writing` tells whether some is left. Raises Lost."""
        try:
            sent = self.socket.send(request)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise Lost(str(error)) from None
        self.writing = sent < len(request)
        if self.writing:
            self._unsent = memoryview(request)[sent:]

    def go_on(self) -> None:
        """Send more of what is left. Raises Lost."""
        try:
            self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError as error:
            raise Lost(str(error)) from None
        self.writing = bool(self._unsent)

    def receive(self) -> bool:
        """Whether the answer is there in whole; then `status` and `content` are its own. Raises Lost."""
        try:
            piece = self.socket.recv(65_536)
        except BlockingIOError:
            return False
        except OSError as error:
            raise Lost(str(error)) from None
        if not piece:
            raise Lost("the collector hung up")
        self._received += piece
        return self._is_whole()

    def _is_whole(self) -> bool:
        head, end, content = self._received.partition(b"\r\n\r\n")
        if not end:
            return False
        lower = head.lower()
        if len(content) < _number(lower, b"content-length: "):
            return False
        self.status, self.content, self._received = int(head[9:12]), content, b""
        if self.status != 202:
            self.retry_after = _number(lower, b"retry-after: ") or 1.0
        return True

    def _connect(self) -> socket.socket:
        host, _, port = self.address.rpartition(":")
        made = socket.create_connection((host, int(port)), CONNECT_S)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        made.setblocking(False)
        return made


def head(key: str, length: int) -> bytes:
    """The head of a POST of so many bytes of JSON."""
    return (
        f"POST /v1/events HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n"
        f"user-agent: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    ).encode()


def _number(head: bytes, name: bytes) -> int:
    return int(head.partition(name)[2].partition(b"\r\n")[0] or b"0")
