"""One request to a process of Pulse, every failure of it as a sentence."""

from collections.abc import Mapping
from typing import Any

import httpx

from pulse import VERSION
from pulse.errors import PulseError, Unavailable

AGENT = f"pulse/{VERSION}"
ANSWER_S = 60
CONNECT_S = 5


class Refused(PulseError):
    """The other side answered that it will not: its status, and what it said."""

    def __init__(self, said: str, status: int, answer: Mapping[str, Any]) -> None:
        super().__init__(said)
        self.status = status
        self.answer = answer


def client(key: str | None = None) -> httpx.Client:
    """A connection pool that presents a key; proxies and .netrc of the environment do not concern it.

    Raises PulseError for a key that cannot be presented.
    """
    if key and not (key.isascii() and key.isprintable()):
        raise PulseError("the key has characters that are in none: copy it anew, or see `pulse keys`")
    headers = {"user-agent": AGENT} | ({"authorization": f"Bearer {key}"} if key else {})
    return httpx.Client(headers=headers, timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S), trust_env=False)


def call(method: str, url: str, key: str, name: str, **request: Any) -> Any:
    """The JSON of an answer with 2xx, None if it is empty; `name` is who is asked, for the sentence.

    Raises Unavailable if nobody answers, Refused for any other answer.
    """
    try:
        with client(key) as http:
            answer = http.request(method, url, **request)
    except httpx.InvalidURL as why:
        raise PulseError(f"{url} is not an address: {why}") from None
    except httpx.HTTPError as why:
        raise away(name, url, why) from None
    if answer.is_success:
        return answer.json() if answer.content else None
    raise refused(name, answer)


def away(name: str, url: str, why: Exception) -> Unavailable:
    """Nobody answers."""
    return Unavailable(f"{name} does not answer at {url} ({_reason(why)}); `pulse status` tells what runs")


def refused(name: str, answer: httpx.Response) -> Refused:
    """An answer that is none: what its problem+json says, else its status."""
    body = problem(answer)
    said = str(body.get("detail") or body.get("title") or answer.reason_phrase or "no reason given")
    return Refused(f"{name} answered {answer.status_code}: {said}", answer.status_code, body)


def problem(answer: httpx.Response) -> Mapping[str, Any]:
    """The JSON object of an answer, empty if it holds none."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _reason(why: Exception) -> str:
    if isinstance(why, httpx.TimeoutException):
        return "it takes too long"
    return str(why) or type(why).__name__
