"""One mail, handed to the server that the settings name, which ends in time whatever that server does."""

import io
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from email import message_from_bytes, policy
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from pulse.errors import SettingError
from pulse.outbound.mail import PORTS, demand_server

PARTING_S = 2.0
"""For so long an answer to the last word is waited for: the mail is taken by then, or is not."""
MOST_READ = 1_048_576
"""Bytes of all that a server answers to one mail."""


def send_mail(smtp_url: str, mail: bytes, until: float) -> str:
    """Hand a mail to a server such as `smtp://user:password@host:587`; TLS is used wherever the server offers it.

    Nothing goes on after `until`, a moment of `time.monotonic()`: who waited has given up by then, and mails it again.
    Returns whom of several the server refused. Raises SettingError if there is no server, or one that is not to be
    told the password, OSError and SMTPException where it does not take the mail.
    """
    demand_server(smtp_url)
    parts = urlsplit(smtp_url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise SettingError("PULSE_SMTP_URL: names no server, so no mail can be sent")
    try:
        return _sent(parts, parts.hostname, mail, until)
    except (OSError, smtplib.SMTPException):
        if time.monotonic() >= until:
            raise TimeoutError("the mail server takes too long") from None
        raise


def _sent(parts: SplitResult, host: str, mail: bytes, until: float) -> str:
    tls, is_tls = ssl.create_default_context(), parts.scheme == "smtps"
    server = _Timely(until, host, parts.port or PORTS[parts.scheme], tls if is_tls else None)
    try:
        server.ehlo()
        if not is_tls and server.has_extn("starttls"):
            server.starttls(context=tls)
        if parts.username:
            server.demand_private()
            server.login(unquote(parts.username), unquote(parts.password or ""))
        refused = server.send_message(message_from_bytes(mail, policy=policy.SMTP))
    finally:
        server.part()
    return "; ".join(f"not to {who}: {code} {said.decode(errors='replace')}" for who, (code, said) in refused.items())


class _Timely(smtplib.SMTP):
    """Speaks with a server until a moment at the latest, also with one that sends or takes a byte from time to time."""

    def __init__(self, until: float, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._until, self._tls = until, tls
        super().__init__(host, port, timeout=self._left_s())

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        """Connect to the first address that answers, all of them within the time."""
        failed = OSError(f"{host} has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                self.sock = self._connected(socket.socket(family, kind, protocol), address, host)
            except OSError as error:
                failed = error
            else:
                self.file = None
                return self.getreply()
        raise failed

    def _connected(self, sock: socket.socket, address: Any, host: str) -> socket.socket:
        try:
            sock.settimeout(self._left_s())
            sock.connect(address)
            sock.settimeout(self._left_s())
            return self._tls.wrap_socket(sock, server_hostname=host) if self._tls else sock
        except OSError:
            sock.close()
            raise

    def getreply(self) -> tuple[int, bytes]:
        """The next answer."""
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Heard(self.sock, self._left_s))
        reply = super().getreply()
        if self.sock is not None:
            self.sock.settimeout(max(self._until - time.monotonic(), 0.001))  # a TLS handshake may follow
        return reply

    def send(self, s: Any) -> None:
        """Send all of it."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the mail server hung up")
        left = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        try:
            while left:
                self.sock.settimeout(self._left_s())
                left = left[self.sock.send(left) :]
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected(f"the mail server hung up: {error}") from None

    def demand_private(self) -> None:
        """Raise SettingError if others might hear what is said: without TLS nothing secret leaves this machine."""
        if self.sock is None or isinstance(self.sock, ssl.SSLSocket) or _is_loopback(self.sock.getpeername()[0]):
            return
        raise SettingError("PULSE_SMTP_URL: the server offers no TLS, and without it is not told user and password")

    def part(self) -> None:
        """Take leave, and close; what goes wrong with that changes nothing about the mail."""
        self._until = min(self._until, time.monotonic() + PARTING_S)
        with suppress(OSError, smtplib.SMTPException):
            self.quit()
        self.close()

    def _left_s(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the mail server takes too long")
        return left


class _Heard(io.RawIOBase):
    """What a server says, each piece of it in time."""

    def __init__(self, sock: socket.socket, left_s: Callable[[], float]) -> None:
        self._sock, self._left_s, self._left = sock, left_s, MOST_READ

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, into: Any) -> int:
        """Read a piece."""
        self._sock.settimeout(self._left_s())
        number = self._sock.recv_into(into)
        self._left -= number
        if self._left < 0:
            raise OSError("the mail server says too much")
        return number


def _is_loopback(address: str) -> bool:
    at = ip_address(address.partition("%")[0])
    mapped = at.ipv4_mapped if isinstance(at, IPv6Address) else None
    return (mapped or at).is_loopback
