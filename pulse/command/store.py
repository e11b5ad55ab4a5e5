"""ClickHouse over plain HTTP."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
from msgspec import json

from pulse import address
from pulse.command import wire
from pulse.errors import NotFound, QueryError, Unavailable

ANSWER_BUFFER = 4 << 20
"""Bytes that ClickHouse keeps in memory before it begins to answer: what fails until then brings no rows. To keep an answer
whole it would write it to its disk, and where that is full tell what it has of it, nothing perhaps, as all there is."""
NO_TAG = "\0"
LONGEST_REFUSAL = 64_000
SITE = Path(__file__).with_name("site_known.sql")


class Store:
    """Asks one database; its address holds user, password and database, as in ``http://user:password@host:8123/pulse``."""

    def __init__(self, url: str) -> None:
        address.demand("PULSE_CLICKHOUSE_URL", url)
        parts = urlsplit(url)
        self.where = f"{parts.scheme}://{parts.hostname}:{parts.port or 8123}"
        self._login = (unquote(parts.username or "default"), unquote(parts.password or ""))
        self._database = unquote(parts.path.strip("/")) or "default"

    def ask(
        self, query: str, parameters: Mapping[str, str], form: str, within_s: float | None = None
    ) -> Iterator[bytes]:
        """The answer in one of ClickHouse's formats, piece by piece; raises Unavailable and QueryError."""
        settings = {"database": self._database, "default_format": form, "buffer_size": str(ANSWER_BUFFER)}
        given = settings | {f"param_{name}": value for name, value in parameters.items()}
        request = {"content": query.encode(), "params": given, "auth": self._login, "timeout": within_s}
        try:
            with wire.client() as http, http.stream("POST", self.where, **request) as answer:  # type: ignore[arg-type]
                if not answer.is_success:
                    raise QueryError(f"ClickHouse: {_said(_refusal(answer))}")
                yield from _pieces(answer)
        except (httpx.HTTPError, httpx.InvalidURL) as why:
            raise Unavailable(f"ClickHouse does not answer at {self.where} ({why or type(why).__name__})") from None

    def rows(self, query: str, within_s: float) -> list[list[Any]]:
        """The rows of an answer; raises Unavailable and QueryError."""
        answer = b"".join(self.ask(query, {}, "JSONCompactEachRow", within_s))
        return [json.decode(line) for line in answer.splitlines()]

    def records(self, query: str, parameters: Mapping[str, str], within_s: float) -> list[dict[str, Any]]:
        """The rows of an answer by their columns' names; raises Unavailable and QueryError."""
        answer = b"".join(self.ask(query, parameters, "JSONEachRow", within_s))
        return [json.decode(line) for line in answer.splitlines()]

    def demand_site(self, site: str, within_s: float) -> None:
        """Raise NotFound, naming the sites that there are, unless the site is one or has events. Raises as `ask` does."""
        [found] = self.records(SITE.read_text(encoding="utf-8"), {"site": site}, within_s)
        if not int(found["known"]):
            there = ", ".join(found["sites"])
            raise NotFound(
                f"there is no site {site!r}: " + (f"the sites are {there}" if there else "`pulse sites list` tells all")
            )


def _refusal(answer: httpx.Response) -> bytes:
    """Why there is no answer: the end of what is told, before which stand the rows that had been made."""
    told = b""
    for piece in answer.iter_bytes():
        told = (told + piece)[-LONGEST_REFUSAL:]
    begins = f"Code: {answer.headers.get('X-ClickHouse-Exception-Code', NO_TAG)}. DB::Exception".encode()
    return told[max(told.rfind(begins), 0) :]


def _pieces(answer: httpx.Response) -> Iterator[bytes]:
    """The bytes, without what ClickHouse writes where it breaks off: that is raised, as QueryError."""
    mark, raw, kept = _mark(answer), answer.iter_bytes(), b""
    for piece in raw:
        kept += piece
        if mark in kept:
            raise QueryError(f"ClickHouse: {_said(kept.partition(mark)[2] + _rest(raw))}")
        ready, kept = kept[: -len(mark)], kept[-len(mark) :]
        if ready:
            yield ready
    if kept:
        yield kept


def _mark(answer: httpx.Response) -> bytes:
    """By what ClickHouse marks the place where an answer breaks off: another word in each, none of older servers."""
    return f"__exception__\r\n{answer.headers.get('X-ClickHouse-Exception-Tag', NO_TAG)}".encode()


def _rest(raw: Iterator[bytes]) -> bytes:
    """What else comes; the connection may end in the midst of it."""
    found = bytearray()
    with suppress(httpx.HTTPError):
        for piece in raw:
            found += piece
    return bytes(found)


def _said(answer: bytes) -> str:
    """What ClickHouse says went wrong, without the version it adds."""
    text = " ".join(answer.decode(errors="replace").split())
    return text.partition(" (version ")[0][:1000] or "no reason given"
