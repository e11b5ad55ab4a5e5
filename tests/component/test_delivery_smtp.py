"""Mail servers that are not as they should be: without TLS, slow without end, hanging, refusing some."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from smtplib import SMTPException
from threading import Event, Thread
from typing import Any

import pytest

from api.delivery.post import Post
from api.delivery.smtp import send_mail
from pulse.errors import SettingError
from pulse.outbound.call import Caller
from tests.component.test_outbound_call import made_certificate

MAIL = b"To: ops@example.org, boss@example.org\nFrom: pulse@example.org\n\nhere\n"
NOBODY = "192.0.2.1"
"""An address of nobody, by which this machine finds its own."""


class Server:
    """Talks with each who connects in a thread of its own, and answers each word as `answers` says, or else with yes."""

    def __init__(self, host: str, offers: tuple[str, ...], tls: ssl.SSLContext | None, at_once: bool) -> None:
        self.socket = socket.create_server((host, 0))
        self.port = self.socket.getsockname()[1]
        self.offers, self.tls, self.at_once = offers, tls, at_once
        self.answers: dict[str, str] = {}
        self.pause_s = 0.0
        self.heard: list[str] = []
        self.mails = 0
        self.ended = Event()
        self.connections: list[socket.socket] = []

    def serve(self) -> None:
        """Until the socket is closed."""
        with suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.connections.append(connection)
                Thread(target=self._talk, args=[connection], daemon=True).start()

    def close(self) -> None:
        """Hang up on everybody, and take no more."""
        self.ended.set()
        for each in (self.socket, *self.connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def words(self) -> list[str]:
        """The first word of each line that was heard."""
        return [each.split(" ")[0].upper() for each in self.heard]

    def _talk(self, plain: socket.socket) -> None:
        with suppress(OSError, ValueError):
            spoken = self.tls.wrap_socket(plain, server_side=True) if self.tls and self.at_once else plain
            stream = spoken.makefile("rwb")
            self._say(stream, "220 here")
            while line := stream.readline().decode().strip():
                self.heard.append(line)
                self._say(stream, self._answer(line))
                if line.upper() == "STARTTLS" and self.tls:
                    stream = self.tls.wrap_socket(plain, server_side=True).makefile("rwb")
                if line.upper() == "DATA":
                    list(iter(stream.readline, b".\r\n"))
                    self.mails += 1
                    self._say(stream, "250 taken")

    def _answer(self, line: str) -> str:
        word = line.split(" ")[0].upper()
        known = {"EHLO": "\r\n".join(["250-here", *(f"250-{each}" for each in self.offers), "250 8BITMIME"])}
        known |= {"AUTH": "235 welcome", "DATA": "354 go on", "QUIT": "221 bye", "STARTTLS": "220 go on"}
        return self.answers.get(line, self.answers.get(word, known.get(word, "250 ok")))

    def _say(self, stream: Any, line: str) -> None:
        """Say it, a byte after the other if it begins with one that asks for that; nothing if it is empty."""
        self.ended.wait(self.pause_s)
        if line.startswith("drip"):
            while not self.ended.wait(0.05):
                stream.write(b"2")
                stream.flush()
        elif line:
            stream.write(f"{line}\r\n".encode())
            stream.flush()


@contextmanager
def serving(
    host: str = "127.0.0.1", *offers: str, tls: ssl.SSLContext | None = None, at_once: bool = False
) -> Iterator[Server]:
    """A mail server; with `tls` it speaks TLS when asked to, or `at_once`."""
    server = Server(host, offers, tls, at_once)
    thread = Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    server.close()
    thread.join(10)


def own_address() -> str:
    """This machine's address on its network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((NOBODY, 9))
        return str(asking.getsockname()[0])


def soon(seconds: float = 20) -> float:
    return time.monotonic() + seconds


def test_a_password_is_told_without_tls_to_this_machine_alone() -> None:
    with serving(own_address(), "AUTH PLAIN LOGIN") as server:
        with pytest.raises(SettingError, match=r"^PULSE_SMTP_URL: .*no TLS") as told:
            send_mail(f"smtp://joe:first@{own_address()}:{server.port}", MAIL, soon())
        assert server.words() == ["EHLO", "QUIT"]
        assert not any(word in str(told.value) for word in ("joe", "first"))
        assert send_mail(f"smtp://{own_address()}:{server.port}", MAIL, soon()) == ""
    with serving("127.0.0.1", "AUTH PLAIN LOGIN") as server:
        send_mail(f"smtp://joe:first@localhost:{server.port}", MAIL, soon())
        assert ("AUTH" in server.words(), server.mails) == (True, 1)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_over_tls_the_password_is_told_to_who_has_the_right_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    certificate = made_certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with serving("127.0.0.1", "STARTTLS", "AUTH PLAIN", tls=tls, at_once=scheme == "smtps") as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            send_mail(f"{scheme}://joe:first@localhost:{server.port}", MAIL, soon())
        assert "AUTH" not in server.words()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        send_mail(f"{scheme}://joe:first@localhost:{server.port}", MAIL, soon())
        assert ("AUTH" in server.words(), server.mails) == (True, 1)
        with pytest.raises(ssl.SSLCertVerificationError):
            send_mail(f"{scheme}://joe:first@127.0.0.1:{server.port}", MAIL, soon())


@pytest.mark.parametrize("word", ["EHLO", "MAIL", "DATA"])
def test_one_that_drips_is_left_when_the_time_is_over(word: str) -> None:
    with serving() as server:
        server.answers[word] = "drip"
        begun = time.monotonic()
        with pytest.raises(TimeoutError, match="too long"):
            send_mail(f"smtp://127.0.0.1:{server.port}", MAIL, begun + 0.5)
        assert time.monotonic() - begun < 5.0


@pytest.mark.parametrize("parting", ["", "drip", "500 what"])
def test_a_mail_that_was_taken_is_sent_whatever_the_server_says_at_parting(parting: str) -> None:
    with serving() as server:
        server.answers["QUIT"] = parting
        assert send_mail(f"smtp://127.0.0.1:{server.port}", MAIL, soon()) == ""
        assert server.mails == 1


def test_one_that_talks_without_end_fills_no_memory() -> None:
    with serving() as server:
        server.answers["EHLO"] = "\r\n".join(["250-" + "x" * 1_000] * 2_000)
        with pytest.raises(SMTPException, match="too much"):
            send_mail(f"smtp://127.0.0.1:{server.port}", MAIL, soon())


async def test_whom_of_several_the_server_refused_is_told() -> None:
    with serving() as server:
        server.answers["rcpt TO:<boss@example.org>"] = "550 nobody here"
        async with Caller() as caller:
            answer = await Post(caller, f"smtp://127.0.0.1:{server.port}").post("mailto:ops@example.org", {}, MAIL)
    assert (answer.status, answer.body) == (250, b"not to boss@example.org: 550 nobody here")


async def test_the_time_of_a_mail_begins_when_a_thread_turns_to_it() -> None:
    with serving() as server:
        server.pause_s = 0.1  # before each of seven answers
        async with Caller() as caller:
            post = Post(caller, f"smtp://127.0.0.1:{server.port}", mail_s=2.0, mailed_at_once=1)
            sending = [asyncio.create_task(post.post("mailto:ops@example.org", {}, MAIL)) for _ in range(4)]
            answers = await asyncio.gather(*sending)
            assert post.free == 1
    assert [(each.status, each.error) for each in answers] == [(250, "")] * 4
