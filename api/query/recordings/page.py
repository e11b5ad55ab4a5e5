"""The page /replay: sessions to choose from, and one played. It holds nothing of anybody; what it shows it asks with a key."""

from pathlib import Path

from fastapi import APIRouter, Response

STATIC = Path(__file__).parent / "static"
FILES = {
    "/replay": ("replay.html", "text/html; charset=utf-8"),
    "/replay/replay.js": ("replay.js", "text/javascript; charset=utf-8"),
    "/replay/replay.css": ("replay.css", "text/css; charset=utf-8"),
}
HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

router = APIRouter()


def _add(path: str, name: str, media_type: str) -> None:
    content = (STATIC / name).read_bytes()

    async def file() -> Response:
        return Response(content, headers=HEADERS, media_type=media_type)

    router.add_api_route(path, file, methods=["GET"], include_in_schema=False)


for _path, (_name, _type) in FILES.items():
    _add(_path, _name, _type)
