"""A delivery as it is sent: the body by the template, signed anew at each attempt."""

from typing import NamedTuple

from api.control import endpoints
from api.control.dispatch import Taken
from api.control.seal import Seal
from pulse.outbound import signing
from pulse.outbound.mail import is_mail, mail_of
from pulse.outbound.template import ROUTING_KEY, render


class Message(NamedTuple):
    """What is posted where."""

    url: str
    headers: dict[str, str]
    body: bytes


def message_of(taken: Taken, seal: Seal, sender: str, now: int) -> Message:
    """The message of a delivery at `now`, in ms; `sender` is who mails. Raises SettingError if secrets cannot be read."""
    endpoint = taken.endpoint
    if is_mail(endpoint.url):
        return Message(endpoint.url, {}, mail_of(taken.notice, taken.id, endpoint.url, sender, now / 1000).as_bytes())
    own = {name.lower(): value for name, value in endpoints.headers(endpoint, seal).items()}
    payload = render(endpoint.template, taken.notice, own)
    own.pop(ROUTING_KEY, None)
    signed = signing.headers(taken.id, now // 1000, payload.body, endpoints.secrets(endpoint, seal, now))
    kind = {"content-type": "application/json"}
    return Message(_joined(endpoint.url, payload.path), own | kind | signed, payload.body)


def _joined(url: str, path: str) -> str:
    return url.partition("?")[0].rstrip("/") + path if path else url
