"""The two ways out: HTTP, and e-mail by the server that the settings name."""

import asyncio
import smtplib
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from api.delivery.smtp import send_mail
from pulse.errors import SettingError
from pulse.outbound.call import READ_BYTES, Answer, Caller
from pulse.outbound.mail import is_mail

DELIVERED = 250
MAIL_S = 60.0
"""For so long a mail server may take, from when a thread turns to the mail; shorter than the lease of a mail."""
HEARD_S = 1.0
"""For so much longer it is waited for what the thread says of it: the last answer may have come at the last moment."""
MAILED_AT_ONCE = 32


class Post:
    """Sends a body to an address, by what the address begins with. Mail has threads of its own and holds up nothing else."""

    def __init__(
        self, caller: Caller, smtp_url: str = "", mail_s: float = MAIL_S, mailed_at_once: int = MAILED_AT_ONCE
    ) -> None:
        self._caller = caller
        self._smtp_url, self._mail_s = smtp_url, mail_s
        self.mailed_at_once = mailed_at_once
        self._threads = ThreadPoolExecutor(mailed_at_once, thread_name_prefix="mail")
        self._mailing: set[Future[str]] = set()

    @property
    def free(self) -> int:
        """How many more mails would begin at once: a thread that nobody waits for any more may still be busy."""
        return self.mailed_at_once - len(self._mailing)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send; never raises but for being cancelled."""
        if not is_mail(url):
            return await self._caller.post(url, headers, body)
        begun = time.monotonic()
        try:
            refused = await self._mailed(body)
        except TimeoutError:
            error = f"no answer within {self._mail_s:g} s"
        except (OSError, smtplib.SMTPException, SettingError) as why:
            error = f"{type(why).__name__}: {why}"[:READ_BYTES]
        except ValueError as why:
            error = (
                f"{type(why).__name__}: the mail or its server's address cannot be used"  # its text may hold a password
            )
        else:
            return Answer(DELIVERED, refused.encode()[:READ_BYTES], ms=_since(begun))
        return Answer(error=error, ms=_since(begun))

    async def _mailed(self, body: bytes) -> str:
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def send() -> str:
            until = time.monotonic() + self._mail_s
            loop.call_soon_threadsafe(begun.set)
            return send_mail(self._smtp_url, body, until)

        sending = self._threads.submit(send)
        self._mailing.add(sending)
        sending.add_done_callback(self._mailing.discard)
        await begun.wait()
        async with asyncio.timeout(self._mail_s + HEARD_S):
            return await asyncio.wrap_future(sending)


def _since(begun: float) -> int:
    return int((time.monotonic() - begun) * 1000)
