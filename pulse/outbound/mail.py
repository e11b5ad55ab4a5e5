"""Notices as e-mail: whom an address such as `mailto:ops@example.org` names, and what they read."""

import re
from email.message import EmailMessage
from email.utils import formatdate

from pulse import address
from pulse.errors import SettingError
from pulse.notice import Notice
from pulse.outbound.address import Refused
from pulse.outbound.summary import summary_of

SCHEME = "mailto:"
MOST = 10
LONGEST_SUBJECT = 200
MOST_FACTS, LONGEST_FACT = 200, 10_000
INDENTED = "\n    "
"""Before further lines of a fact, which so are not taken for another fact."""

PORTS = {"smtp": 25, "smtps": 465}
SETTING = "PULSE_SMTP_URL"
SERVER = "write it as smtp://USER:PASSWORD@HOST:PORT or smtps://…"

_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


def is_mail(url: str) -> bool:
    """Whether an address is one of e-mail."""
    return url.startswith(SCHEME)


def recipients(url: str) -> list[str]:
    """Whom an address names; raises Refused for what is none."""
    found = [part.strip() for part in url.removeprefix(SCHEME).split(",")]
    if len(found) > MOST or not all(_MAILBOX.fullmatch(each) for each in found):
        raise Refused(f"must be {SCHEME} and up to {MOST} addresses, separated by commas")
    return found


def demand_server(smtp_url: str) -> None:
    """Raise SettingError, without a word of it, unless the address of a mail server can be read; an empty one is none."""
    if not smtp_url:
        return
    address.demand(SETTING, smtp_url, SERVER)
    if smtp_url.partition("://")[0].lower() not in PORTS:
        raise SettingError(f"{SETTING}: it begins with neither smtp:// nor smtps://: {SERVER}")


def mail_of(notice: Notice, message_id: str, url: str, sender: str, now_s: float) -> EmailMessage:
    """A notice as a mail to those whom an address names, sent at `now_s` seconds since the epoch."""
    told = summary_of(notice, MOST_FACTS, LONGEST_FACT)
    mail = EmailMessage()
    mail["Subject"] = " ".join(told.title.split())[:LONGEST_SUBJECT]
    mail["From"] = sender
    mail["To"] = ", ".join(recipients(url))
    mail["Date"] = formatdate(now_s)
    mail["Message-ID"] = f"<{message_id}@pulse>"
    mail["Auto-Submitted"] = "auto-generated"
    lines = [told.title, "", *(f"{name}: {_indented(value)}" for name, value in told.facts), "", f"at: {told.at}"]
    mail.set_content("\n".join(lines) + "\n")
    return mail


def _indented(text: str) -> str:
    return INDENTED.join(text.splitlines())
