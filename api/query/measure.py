"""How long requests take, by route and status."""

from time import perf_counter

from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = Histogram(
    "pulse_query_seconds",
    "Requests of the query API.",
    ("method", "route", "status"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


class Measure:
    """Middleware that notes each request under its route's path, never under the address that was asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        status = "500"

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            SECONDS.labels(_method(scope), _route(scope), status).observe(perf_counter() - began)


def _route(scope: Scope) -> str:
    """The path as it was declared: an included router's route knows the end of it alone."""
    declared = getattr(scope.get("route"), "path", None)
    if declared is None:
        return "none"
    asked: str = scope["path"]
    end = declared
    for name, value in scope.get("path_params", {}).items():
        end = end.replace(f"{{{name}}}", str(value))
    return asked.removesuffix(end) + declared if asked.endswith(end) else "none"


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS") else "other"
