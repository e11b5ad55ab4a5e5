"""Requests whose bodies are held whole, and so may not be of any size: a body is there before it is known who sends it."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems

MOST_BYTES = 16 * 1024 * 1024
"""More than any question needs: a list of 10,000 members with names of 200 letters has some 2 MB."""
REASON = f"the body has more than {MOST_BYTES // (1024 * 1024)} MB"


class TooLarge(HTTPException):
    """A body that goes on beyond what is taken."""

    def __init__(self) -> None:
        super().__init__(413, REASON)


class Bounded:
    """An app that answers 413 where a body is larger, before it is read where it says so itself."""

    def __init__(self, app: ASGIApp, most: int = MOST_BYTES) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on whose body is small enough."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        taken, has_begun = 0, False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most:
                raise TooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            if _declared(scope) > self._most:
                raise TooLarge
            await self._app(scope, counted, noted)
        except TooLarge as error:
            if not has_begun:
                await problems.response(error.status_code, error.detail)(scope, receive, send)


def _declared(scope: Scope) -> int:
    said: bytes = dict(scope["headers"]).get(b"content-length", b"")
    return int(said[:20]) if said.isdigit() else 0
