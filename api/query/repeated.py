"""Requests that come again word for word while their answer is kept: given it without being read once more.

A request is known by all that its answer depends on: method, address, parameters, body and key. What it was found to mean, which
kept answer of which site, is remembered for a few seconds, and no longer than nothing of the site is altered. The key is looked up
and the kept answer judged each time as ever; wherever something is not as it was, the request goes its usual way.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from xxhash import xxh3_128_digest

from api.keyring import Key, Keyring, presented_key
from api.query.cache import AnswerCache, Given
from api.query.known import People
from pulse.errors import PulseError

REMEMBERED_S = 5.0
MOST = 2_000
METHODS = ("GET", "POST")
ROUTE = ("route", "path_params")
"""What the usual way finds of a request for those that measure it."""


class Meant(NamedTuple):
    """What a request was found to mean, at a moment; surely so, where it was found twice with nothing altered between."""

    key: Key
    site_id: str
    given: Given
    most_ms: int
    found: Mapping[str, Any]
    at: float
    is_sure: bool


class Memory:
    """What requests meant lately."""

    def __init__(self) -> None:
        self._meant: OrderedDict[bytes, Meant] = OrderedDict()
        self._paths: set[str] = set()

    async def note(self, request: Request, key: Key, site_id: str, given: Given, most_ms: int, began: float) -> None:
        """Note what a request meant that began to be read at a moment.

        What it depends on was read before it was known whether something is altered: so it is sure from the second time on.
        """
        word = word_of(request.scope, await request.body())
        old = self._meant.pop(word, None)
        is_sure = old is not None and old.at < began and old.given == given
        found = {name: request.scope[name] for name in ROUTE if name in request.scope}
        self._meant[word] = Meant(key, site_id, given, most_ms, found, time.monotonic(), is_sure)
        self._paths.add(request.scope["path"])
        if len(self._meant) > MOST:
            self._meant.popitem(last=False)

    def is_of(self, scope: Scope) -> bool:
        """Whether a request may be one that is remembered."""
        return scope["type"] == "http" and scope["method"] in METHODS and scope["path"] in self._paths

    def meant(self, word: bytes) -> Meant | None:
        """What a request means, if that is sure."""
        found = self._meant.get(word)
        is_known = found is not None and found.is_sure and time.monotonic() - found.at < REMEMBERED_S
        return found if is_known else None


class Repeated:
    """Middleware that gives kept answers to requests that are remembered."""

    def __init__(self, app: ASGIApp, memory: Memory, keyring: Keyring, people: People, answers: AnswerCache) -> None:
        self._app = app
        self._memory = memory
        self._keyring = keyring
        self._people = people
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if not self._memory.is_of(scope):
            await self._app(scope, receive, send)
            return
        heard = [await receive()] if scope["method"] == "POST" else []
        body = await self._again(scope, heard)
        if body is None:
            await self._app(scope, _after(heard, receive), send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": _headers(body)})
        await send({"type": "http.response.body", "body": body})

    async def _again(self, scope: Scope, heard: list[Message]) -> bytes | None:
        if any(each["type"] != "http.request" or each.get("more_body") for each in heard):
            return None
        meant = self._memory.meant(word_of(scope, b"".join(each.get("body", b"") for each in heard)))
        try:
            if meant is None or await self._keyring.find(_presented(scope) or "") != meant.key:
                return None
            people = (await self._people.of(meant.site_id)).state.encode()
        except PulseError:
            return None
        body = await self._answers.again(meant.site_id, meant.given, people, meant.most_ms)
        if body is not None:
            scope.update(meant.found)
        return body


def word_of(scope: Scope, body: bytes) -> bytes:
    """A request in short: all that its answer depends on."""
    headers = Headers(scope=scope)
    parts = (
        scope["method"].encode(),
        scope["path"].encode(),
        scope["query_string"],
        headers.get("content-type", "").encode(),
        (_presented(scope) or "").encode(),
        body,
    )
    return xxh3_128_digest(b"".join(b"%d:%b" % (len(part), part) for part in parts))


def _presented(scope: Scope) -> str | None:
    headers = Headers(scope=scope)
    return presented_key(headers.get("authorization"), headers.get("x-api-key"))


def _after(heard: list[Message], receive: Receive) -> Receive:
    """What is heard of a client of which something was heard already."""
    waiting = list(heard)

    async def again() -> Message:
        return waiting.pop(0) if waiting else await receive()

    return again


def _headers(body: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-length", b"%d" % len(body)),
        (b"content-type", b"application/json"),
        (b"x-cache", b"hit"),
    ]
