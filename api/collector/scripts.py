"""The scripts that pages load, as files: /tracker.js, /form.js, both in /pulse.js, and the parts that these fetch."""

import gzip
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, Request, Response

STATIC = Path(__file__).parent / "static"
NAMES = ("tracker", "form", "pulse", "vitals", "device")
"""Made from tracker/ by `npm run build` there."""
CACHED = "public, max-age=3600, stale-while-revalidate=86400"
SHARED = {
    "cache-control": CACHED,
    "vary": "accept-encoding",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}
MEDIA_TYPE = "text/javascript; charset=utf-8"


@dataclass(frozen=True)
class Script:
    """A script as it is sent: plain and compressed, each with the tag by which a browser knows it again."""

    plain: bytes
    packed: bytes
    tag: str

    @classmethod
    def of(cls, content: bytes) -> "Script":
        """A file's content, compressed once."""
        return cls(content, gzip.compress(content, 9, mtime=0), sha256(content).hexdigest()[:20])

    def answer(self, accepted: str, known: str) -> Response:
        """The answer to a browser that accepts these encodings and knows these tags."""
        is_packed = "gzip" in accepted.lower()
        tag = f'"{self.tag}-gzip"' if is_packed else f'"{self.tag}"'
        headers = {**SHARED, "etag": tag}
        if known == "*" or tag in (each.strip().removeprefix("W/") for each in known.split(",")):
            return Response(status_code=304, headers=headers)
        if is_packed:
            headers["content-encoding"] = "gzip"
        return Response(self.packed if is_packed else self.plain, headers=headers, media_type=MEDIA_TYPE)


def router() -> APIRouter:
    """The routes of all scripts, which are read here."""
    routes = APIRouter(tags=["scripts"])
    for name in NAMES:
        _add(routes, name, Script.of((STATIC / f"{name}.js").read_bytes()))
    return routes


def _add(routes: APIRouter, name: str, script: Script) -> None:
    async def file(request: Request) -> Response:
        return script.answer(request.headers.get("accept-encoding", ""), request.headers.get("if-none-match", ""))

    routes.add_api_route(
        f"/{name}.js",
        file,
        methods=["GET"],
        summary=f"The script {name}.js",
        operation_id=f"script_{name}",
        response_class=Response,
        responses={200: {"content": {"text/javascript": {}}}, 304: {"description": "The browser has it."}},
    )
    routes.add_api_route(f"/{name}.js", file, methods=["HEAD"], include_in_schema=False)
