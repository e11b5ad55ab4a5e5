"""Lines of a web server's access log, in the common and the combined format."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any

from pulse.importing.line import Broken, Found, broken

TEXT = r'"((?:[^"\\]|\\.|"(?!%s))*)'
"""A quoted field up to its end. Not all servers escape quotes: only one that the next field follows ends it."""
REQUEST, REFERRER, AGENT = TEXT % r" \d{3} [\d-]", TEXT % ' "', TEXT % r'\s*$| "| [\d.-]'
LINE = re.compile(
    # the last field may have lost its closing quote: servers cut lines that are too long
    rf'(\S+) \S+ \S.{{0,255}}? \[([^\]]{{1,40}})\] {REQUEST}" (\d{{3}}) (\d{{1,18}}|-)(?: {REFERRER}" {AGENT}(?:".*|\\?))?\s*',
    re.ASCII | re.DOTALL,
)
TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII)
ESCAPE = re.compile(r'\\x([0-9a-fA-F]{2})|\\(["\\tnr])')
MONTHS = {"JanFebMarAprMayJunJulAugSepOctNovDec"[i * 3 : i * 3 + 3]: i + 1 for i in range(12)}
CONTROL = {"t": "\t", "n": "\n", "r": "\r"}

MAX_ADDRESS = 4096
MAX_USER_AGENT = 1024
"""What is longer is cut, not refused: the request did happen."""


class NotALine(ValueError):
    """The text is not a line of an access log; says why."""


def parse(line: str, base: str = "") -> dict[str, Any]:
    """One line as the event `request`, its time in ms; raises NotALine.

    `base` goes before the path, as in ``https://example.org``.
    """
    match = LINE.fullmatch(line)
    if match is None:
        raise NotALine("not a line of the common or combined log format")
    client, time, request, status, size, referrer, agent = match.groups()
    method, target, protocol = _request(_plain(request))
    return {
        "event": "request",
        "ts": milliseconds(time),
        "url": _address(target, base),
        "referrer": _given(referrer)[:MAX_ADDRESS],
        "user_agent": _given(agent)[:MAX_USER_AGENT],
        **_client(client, agent or "", time[:11]),
        "properties": {
            "status": int(status),
            "method": method,
            "bytes": 0 if size == "-" else int(size),
            "protocol": protocol,
        },
    }


def milliseconds(time: str) -> int:
    """A time such as ``17/May/2015:10:05:03 +0000`` in ms since the epoch; raises NotALine."""
    match = TIME.fullmatch(time)
    if match is None:
        raise NotALine(f"not a time: {time!r}")
    day, month, year, hour, minute, second, sign, off_hours, off_minutes = match.groups()
    offset = (int(off_hours) * 60 + int(off_minutes)) * 60
    clock = int(hour) * 3600 + int(minute) * 60 + int(second)
    if not (int(hour) < 24 and int(minute) < 60 and int(second) < 61 and offset < 86_400):
        raise NotALine(f"no such time: {time!r}")
    return (_midnight(int(year), month, int(day)) + clock - (offset if sign == "+" else -offset)) * 1000


@lru_cache(maxsize=64)
def _midnight(year: int, month: str, day: int) -> int:
    try:
        return int(datetime(year, MONTHS.get(month, 0), day, tzinfo=UTC).timestamp())
    except ValueError:
        raise NotALine(f"no such day: {day}/{month}/{year}") from None


def _request(request: str) -> tuple[str, str, str]:
    """Method, target and protocol; all but the target empty where the request was not HTTP."""
    parts = request.split(" ")
    if len(parts) >= 3 and parts[-1].startswith("HTTP/"):
        return parts[0], " ".join(parts[1:-1]), parts[-1]
    if len(parts) == 2 and parts[0].isalpha():
        return parts[0], parts[1], ""
    return "", "", ""


def _address(target: str, base: str) -> str:
    return (base + target if target.startswith("/") else target)[:MAX_ADDRESS]


def _given(field: str | None) -> str:
    return "" if field is None or field == "-" else _plain(field)


def _plain(field: str) -> str:
    """A quoted field as it was before the server escaped it, as far as that is text in UTF-8."""
    if "\\" not in field:
        return field
    try:
        return ESCAPE.sub(_unescape, field).encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        return field


def _unescape(match: re.Match[str]) -> str:
    code, letter = match.groups()
    if letter:
        return CONTROL.get(letter, letter)
    byte = int(code, 16)
    return chr(byte) if byte < 128 else chr(0xDC00 + byte)


def _client(client: str, agent: str, day: str) -> dict[str, str]:
    """The client's address; a visitor of that day where the log holds a host's name instead."""
    try:
        return {"ip": str(ip_address(client))}
    except ValueError:
        digest = blake2b(f"{client}\0{agent}\0{day}".encode(errors="replace"), digest_size=8)
        return {"visitor_id": digest.hexdigest()}


def events(lines: Iterable[tuple[int, bytes]], base: str = "") -> Iterator[Found | Broken]:
    """What each numbered line of a log is; raises nothing."""
    for number, line in lines:
        if not line.strip():
            continue
        try:
            yield Found(number, parse(line.decode(errors="replace"), base), line.rstrip())
        except NotALine as why:
            yield broken(number, line, str(why))


def is_line(line: bytes) -> bool:
    """Whether a line looks like one of an access log."""
    return LINE.fullmatch(line.decode(errors="replace")) is not None
