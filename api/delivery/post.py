"""The two ways out: HTTP, and e-mail by the server that the settings name."""

import asyncio
import smtplib
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import unquote, urlsplit

from pulse.errors import SettingError
from pulse.outbound.call import Answer, Caller
from pulse.outbound.mail import PORTS, demand_server, is_mail

DELIVERED = 250
MAIL_S = 60.0
"""For so long a mail server may take; shorter than the lease of a mail."""
MAILED_AT_ONCE = 32


class Post:
    """Sends a body to an address, by what the address begins with. Mail has threads of its own and holds up nothing else."""

    def __init__(self, caller: Caller, smtp_url: str = "", mail_s: float = MAIL_S) -> None:
        self._caller = caller
        self._smtp_url, self._mail_s = smtp_url, mail_s
        self._threads = ThreadPoolExecutor(MAILED_AT_ONCE, thread_name_prefix="mail")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send; never raises but for being cancelled."""
        if not is_mail(url):
            return await self._caller.post(url, headers, body)
        begun = time.monotonic()
        until = begun + self._mail_s
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._mail_s):
                await loop.run_in_executor(self._threads, send_mail, self._smtp_url, body, until)
        except TimeoutError:
            error = f"no answer within {self._mail_s:g} s"
        except (OSError, smtplib.SMTPException, SettingError) as why:
            error = f"{type(why).__name__}: {why}"
        except ValueError as why:
            error = (
                f"{type(why).__name__}: the mail or its server's address cannot be used"  # its text may hold a password
            )
        else:
            return Answer(DELIVERED, ms=_since(begun))
        return Answer(error=error, ms=_since(begun))


def send_mail(smtp_url: str, mail: bytes, until: float) -> None:
    """Hand a mail to a server such as `smtp://user:password@host:587`; TLS is used wherever the server offers it.

    Nothing goes on after `until`, a moment of `time.monotonic()`: who waited has given up by then, and mails it again.
    Raises SettingError if there is no server, OSError and SMTPException where it does not take the mail.
    """
    demand_server(smtp_url)
    parts = urlsplit(smtp_url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise SettingError("PULSE_SMTP_URL: names no server, so no mail can be sent")
    at = parts.hostname, parts.port or PORTS[parts.scheme]
    tls = ssl.create_default_context()
    with _Secure(until, *at, context=tls) if parts.scheme == "smtps" else _Timely(until, *at) as server:
        server.ehlo()
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=tls)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message_from_bytes(mail, policy=policy.SMTP))


class _Timely(smtplib.SMTP):
    """Waits for each answer until a moment at the latest, and says nothing more after it."""

    def __init__(self, until: float, host: str, port: int, **more: Any) -> None:
        self._until = until
        super().__init__(host, port, timeout=self._left_s(), **more)

    def getreply(self) -> tuple[int, bytes]:
        if self.sock is not None:
            self.sock.settimeout(self._left_s())
        return super().getreply()

    def _left_s(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the mail server takes too long")
        return left


class _Secure(_Timely, smtplib.SMTP_SSL):
    pass


def _since(begun: float) -> int:
    return int((time.monotonic() - begun) * 1000)
