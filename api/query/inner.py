"""A route of the app asked from within, as whoever asks: the same key, limits and kept answers, the same end if they go."""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import Request, Response

COPIED = (b"authorization", b"x-api-key")
SAME = ("type", "asgi", "http_version", "scheme", "client", "server", "root_path", "state")


async def asked_within(request: Request, method: str, path: str, question: MutableMapping[str, Any]) -> Response:
    """What a route answers to a question: in the body of a POST, in the parameters of a GET."""
    body = orjson.dumps(question) if method == "POST" else b""
    scope = {name: request.scope[name] for name in SAME if name in request.scope}
    scope |= {
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"" if body else urlencode(question, doseq=True).encode(),
        "headers": [
            *((name, value) for name, value in request.scope["headers"] if name in COPIED),
            *([(b"content-type", b"application/json")] if body else []),
        ],
    }
    heard = _Heard(request, body)
    await request.app(scope, heard.receive, heard.send)
    return Response(bytes(heard.body), heard.status, heard.headers)


class _Heard:
    """What the inner request is told, and what comes of it."""

    def __init__(self, request: Request, body: bytes) -> None:
        self.status = 500
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self._request = request
        self._waiting: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive(self) -> MutableMapping[str, Any]:
        return self._waiting.pop() if self._waiting else await self._request.receive()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in message["headers"])
            self.headers = {name: value for name, value in headers if name != "content-length"}
        else:
            self.body += message.get("body", b"")
