"""Following the live view: its messages as they come, over connections that are made anew where one is lost."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx
import msgspec

from pulse.command import wire
from pulse.errors import Unavailable

NAME = "the live view"
SILENT_S = 40.0
"""Longer than two heartbeats are apart."""
PAUSE_S = 2.0

Message = dict[str, Any]


def follow(url: str, key: str, asked: Mapping[str, str]) -> Iterator[Message]:
    """Messages of the live view, for ever; `{"type": "away"}` while it does not answer after it once did.

    Raises Unavailable if it does not answer at first, Refused if it will not.
    """
    last_id, has_answered = "", False
    with wire.client(key) as http:
        while True:
            headers = {"last-event-id": last_id} if last_id else {}
            try:
                for message in _messages(http, f"{url}/api/v1/live", asked, headers):
                    has_answered = True
                    last_id = message.get("id", last_id)
                    yield message
            except httpx.HTTPError as why:
                if not has_answered:
                    raise wire.away(NAME, url, why) from None
            except Unavailable:
                if not has_answered:
                    raise
            yield {"type": "away"}
            time.sleep(PAUSE_S)


def _messages(http: httpx.Client, url: str, asked: Mapping[str, str], headers: Mapping[str, str]) -> Iterator[Message]:
    timeout = httpx.Timeout(SILENT_S, connect=wire.CONNECT_S)
    with http.stream("GET", url, params=dict(asked), headers=dict(headers), timeout=timeout) as answer:
        if answer.status_code != 200:
            answer.read()
            refused = wire.refused(NAME, answer)
            raise Unavailable(str(refused)) if answer.status_code == 503 else refused
        yield from messages(answer.iter_lines())


def messages(lines: Iterable[str]) -> Iterator[Message]:
    """The messages of an event stream, each of which is one line of JSON."""
    for line in lines:
        if line.startswith("data: "):
            yield msgspec.json.decode(line[6:], type=Message)
