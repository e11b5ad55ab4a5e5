"""Notices by e-mail, to a server that speaks as much SMTP as it takes."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from pathlib import Path
from smtplib import SMTPException

import pytest

from api.delivery.post import MAIL_S, Post
from api.delivery.run import Delivering
from api.delivery.smtp import send_mail
from api.query.parts import assemble
from pulse.errors import SettingError
from pulse.notice import Notice
from pulse.outbound.address import Refused
from pulse.outbound.call import Caller
from pulse.outbound.mail import mail_of, recipients
from tests.delivering import now_ms, outgoing, until
from tests.querying import querying, settings_of


class Mailbox:
    """What was mailed, and to whom; the first `busy` mails are refused for now."""

    def __init__(self, busy: int = 0, pause_s: float = 0) -> None:
        self.pause_s = pause_s
        self.mails: list[bytes] = []
        self.to: list[str] = []
        self.busy = busy
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self.server.getsockname()[1]}"

    def serve(self) -> None:
        """Answer one connection after the other until the socket is closed."""
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with suppress(OSError), connection, connection.makefile("rwb") as stream:
                self._talk(stream)

    def _talk(self, stream) -> None:  # type: ignore[no-untyped-def]
        def say(line: str) -> None:
            threading.Event().wait(self.pause_s)
            stream.write(f"{line}\r\n".encode())
            stream.flush()

        say("220 here")
        for line in iter(stream.readline, b""):
            word = line.split(b" ")[0].strip().upper()
            if word == b"RCPT":
                self.to.append(line.decode().strip())
            if word == b"DATA":
                say("354 go on")
                content = b"".join(iter(stream.readline, b".\r\n"))
                if self.busy:
                    self.busy -= 1
                    say("451 later")
                    continue
                self.mails.append(content)
            say("221 bye" if word == b"QUIT" else "250 ok")
            if word == b"QUIT":
                return


@contextmanager
def mailbox(busy: int = 0, pause_s: float = 0) -> Iterator[Mailbox]:
    """A mail server on this machine, that waits for `pause_s` before each answer."""
    made = Mailbox(busy, pause_s)
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    yield made
    made.server.shutdown(socket.SHUT_RDWR)
    made.server.close()
    thread.join(10)


async def test_a_notice_is_mailed_and_mailed_again_where_the_server_was_busy(tmp_path: Path) -> None:
    out = outgoing(tmp_path)
    endpoint = out.endpoint("mailto:ops@example.org,boss@example.org")
    with mailbox(busy=1) as server:
        out.tell("n1", rule_name="Errors\non /checkout: ärger", metric_value=0.07)
        async with out.courier(smtp_url=server.url):
            await until(lambda: out.delivery(endpoint, "n1")[0].state == "delivered")

    [content] = server.mails
    mail = message_from_bytes(content, policy=policy.default)
    delivery, attempts = out.delivery(endpoint, "n1")
    assert mail["subject"] == "alert.firing: Errors on /checkout: ärger"
    assert mail["message-id"] == f"<{delivery.id}@pulse>"
    assert mail["from"] == "pulse@example.org"
    assert "metric_value: 0.07" in mail.get_content()
    assert {line.upper() for line in server.to} == {"RCPT TO:<OPS@EXAMPLE.ORG>", "RCPT TO:<BOSS@EXAMPLE.ORG>"}
    assert [each.verdict for each in attempts] == ["again", "delivered"]
    assert "451" in attempts[0].error


async def test_without_a_server_or_with_one_that_is_away_it_is_tried_again(tmp_path: Path) -> None:
    out = outgoing(tmp_path)
    endpoint = out.endpoint("mailto:ops@example.org")
    out.tell("n1")
    for url, said in (("", "PULSE_SMTP_URL"), ("smtp://127.0.0.1:1", "refused")):
        async with out.courier(smtp_url=url):
            await until(lambda said=said: said in out.delivery(endpoint, "n1")[0].error)  # type: ignore[misc]
    assert out.delivery(endpoint, "n1")[0].state == "pending"


MAIL = b"To: ops@example.org\nFrom: pulse@example.org\n\nhere\n"


def test_nothing_is_mailed_after_nobody_waits_for_it_any_more() -> None:
    with mailbox(pause_s=0.1) as server:
        with pytest.raises((OSError, SMTPException)):
            send_mail(server.url, MAIL, time.monotonic() + 0.25)
        server.pause_s = 0
        send_mail(server.url, MAIL, time.monotonic() + 30)  # served after the one before is at its end
    assert len(server.mails) == 1


async def test_mail_waits_for_nothing_that_others_are_busy_with() -> None:
    free = threading.Event()
    busy = ThreadPoolExecutor(1)
    busy.submit(free.wait)
    asyncio.get_running_loop().set_default_executor(busy)
    with mailbox() as server:
        async with Caller() as caller:
            answer = await Post(caller, server.url).post("mailto:ops@example.org", {}, MAIL)
    free.set()
    assert (answer.status, len(server.mails)) == (250, 1)


def test_a_mail_is_leased_for_longer_than_its_server_may_take(tmp_path: Path) -> None:
    out = outgoing(tmp_path)
    ends = [out.endpoint("mailto:ops@example.org"), out.endpoint("https://8.8.8.8/")]
    out.tell("n1")
    now = now_ms()
    mailed, called = (out.dispatch.take([(each.id, 1)], now, 20_000, "test")[0].lease - now for each in ends)
    assert mailed > 1000 * MAIL_S
    assert called == 20_000


BAD_SERVERS = ("smtp://joe:fir/st@host", "smtp://joe:fir#st@host:25", "imap://joe:first@host", "smtp://joe:first@:25")


@pytest.mark.parametrize("url", BAD_SERVERS)
async def test_a_mail_server_that_cannot_be_is_told_at_start_without_its_password(tmp_path: Path, url: str) -> None:
    settings = settings_of(tmp_path, smtp_url=url)
    for begin in (Delivering, assemble):
        with pytest.raises(SettingError, match=r"^PULSE_SMTP_URL: ") as told:
            begin(settings)
        assert not any(word in str(told.value) for word in ("joe", "fir"))
    async with Caller() as caller:
        answer = await Post(caller, url).post("mailto:ops@example.org", {}, b"To: ops@example.org\n\nhere")
    assert "PULSE_SMTP_URL" in answer.error
    assert not any(word in answer.error for word in ("joe", "fir"))


async def test_mail_is_asked_for_where_there_is_a_server(tmp_path: Path) -> None:
    for number, (server, status) in enumerate((("", 400), ("smtp://127.0.0.1:1", 201))):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with querying(settings_of(folder, smtp_url=server)) as api:
            api.parts.publisher.stop()
            wanted = {"site_id": "shop", "url": "mailto:ops@example.org"}
            answer = await api.ask("POST", "/api/v1/webhooks", json=wanted)
            assert answer.status_code == status
            assert ("PULSE_SMTP_URL" in answer.text) is (status == 400)


@pytest.mark.parametrize(
    "url",
    [
        *("mailto:", "mailto:ops", "mailto:a@b?subject=x", "mailto:a@b\r\nBcc: c@d", "mailto:a b@c", "mailto:<a@b>"),
        *("mailto:" + ",".join(["a@example.org"] * 11), "mailto:ops@", "mailto:@example.org", "mailto:ä@example.org"),
    ],
)
def test_what_names_nobody_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        recipients(url)


def test_nothing_in_a_notice_becomes_a_header() -> None:
    notice = Notice(id="n", kind="alert.firing", site_id="shop", at=0, data={"rule_name": "x\r\nBcc: evil@example.org"})
    mail = mail_of(notice, "msg_1", "mailto:ops@example.org", "pulse@example.org", 0)

    assert mail["bcc"] is None
    assert mail["subject"] == "alert.firing: x Bcc: evil@example.org"
