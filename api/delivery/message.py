"""A delivery as it is sent: the body by the template, signed anew at each attempt; of a lead with who it is."""

from typing import NamedTuple

from api.control import endpoints
from api.control.dispatch import Taken
from api.control.leads import opened
from api.control.seal import LEADS, Seal
from pulse.leads.notice import with_personal
from pulse.notice import Notice
from pulse.outbound import signing
from pulse.outbound.mail import is_mail, mail_of
from pulse.outbound.template import ROUTING_KEY, render


class Message(NamedTuple):
    """What is posted where."""

    url: str
    headers: dict[str, str]
    body: bytes


class Seals(NamedTuple):
    """What is sealed, by what opens it."""

    endpoints: Seal
    leads: Seal


def seals_of(secret: bytes) -> Seals:
    """The seals that follow from the server's secret."""
    return Seals(Seal(secret), Seal(secret, LEADS))


def message_of(taken: Taken, seals: Seals, sender: str, now: int) -> Message:
    """The message of a delivery at `now`, in ms; `sender` is who mails. Raises SettingError if secrets cannot be read."""
    endpoint, seal, notice = taken.endpoint, seals.endpoints, _whole(taken, seals.leads)
    if is_mail(endpoint.url):
        return Message(endpoint.url, {}, mail_of(notice, taken.id, endpoint.url, sender, now / 1000).as_bytes())
    own = {name.lower(): value for name, value in endpoints.headers(endpoint, seal).items()}
    payload = render(endpoint.template, notice, own)
    own.pop(ROUTING_KEY, None)
    signed = signing.headers(taken.id, now // 1000, payload.body, endpoints.secrets(endpoint, seal, now))
    kind = {"content-type": "application/json"}
    return Message(_joined(endpoint.url, payload.path), own | kind | signed, payload.body)


def _whole(taken: Taken, seal: Seal) -> Notice:
    """The notice, of a lead with who it is as far as its endpoint is told."""
    if taken.sealed is None:
        return taken.notice
    return with_personal(taken.notice, opened(taken.sealed, seal), masked=not taken.endpoint.unmasked)


def _joined(url: str, path: str) -> str:
    return url.partition("?")[0].rstrip("/") + path if path else url
