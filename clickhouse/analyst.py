"""An analyst's own SQL, asked as a user of ClickHouse who sees one site and writes nothing; the answer as it comes.

Nothing of the statement is looked at here: what it may read is ClickHouse's to decide, see pulse.analyst.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from clickhouse.client import BUSY, database_of
from pulse import address
from pulse.analyst.rule import HEADER, Limits, analytics_of
from pulse.analyst.user import ROUTE, route_password
from pulse.errors import PulseError, QueryError, TooCostly, Unavailable
from pulse.settings import Settings

ANSWER_BUFFER = 1 << 20
"""Bytes that ClickHouse makes before it begins to answer: what fails until then is told by its status."""
COSTLY: Mapping[int, str] = {
    158: "reads more than {0.rows:,} rows (PULSE_QUERY_ROWS): restrict ts, whose days are in the sorting key",
    159: "takes longer than {0.seconds} seconds (PULSE_QUERY_SECONDS): restrict ts, name fewer columns, or fetch the answer faster",
    160: "takes longer than {0.seconds} seconds (PULSE_QUERY_SECONDS): restrict ts, or name fewer columns",
    201: "is beyond what a site may ask in an hour",
    241: "needs more than {0.mb:,} MB of memory (PULSE_QUERY_MB): group by less, or join less",
}
"""Codes of a statement that takes more than it may, and what to do about it."""
USUAL_PORTS = {"http": 8123, "https": 8443}
UNKNOWN_USER = frozenset({192, 193, 194, 516})
OF_ALL = "(total)"


@dataclass(frozen=True)
class Answer:
    """An answer that has begun: its format as ClickHouse calls it, and its bytes as they come.

    `pieces` raises QueryError, TooCostly or Unavailable if it breaks off, and has to be closed.
    """

    format: str
    pieces: AsyncGenerator[bytes, None]


class Analyst:
    """Asks one server's `analytics` views; made once, for any number of questions at a time."""

    def __init__(self, url: str, password: str, analytics: str, limits: Limits) -> None:
        parts = urlsplit(url)
        self._where = f"{parts.scheme}://{parts.hostname}:{parts.port or USUAL_PORTS[parts.scheme]}"
        self._login = {"X-ClickHouse-User": ROUTE, "X-ClickHouse-Key": password}
        self._analytics = analytics
        self._limits = limits
        patience = httpx.Timeout(limits.seconds + 10, connect=5)
        self._http = httpx.AsyncClient(timeout=patience, limits=httpx.Limits(max_keepalive_connections=4))

    async def ask(self, site: str, statement: str, parameters: Mapping[str, str], form: str) -> Answer:
        """The answer to a statement about a site, `form` unless the statement names a format itself.

        Ends with the connection: whoever cancels this, or closes `pieces`, ends the question.
        Raises QueryError with ClickHouse's own words, TooCostly and Unavailable.
        """
        request = self._request(site, statement, parameters, form)
        try:
            answer = await self._http.send(request, stream=True)
            if answer.is_error:
                said = (await answer.aread()).decode(errors="replace")
                raise self._cause(int(answer.headers.get("X-ClickHouse-Exception-Code", "0")), said)
        except httpx.HTTPError as error:
            raise Unavailable(f"ClickHouse does not answer: {error or type(error).__name__}") from None
        return Answer(answer.headers.get("X-ClickHouse-Format", form), self._pieces(answer))

    async def close(self) -> None:
        """Give back the connections."""
        await self._http.aclose()

    def _request(self, site: str, statement: str, parameters: Mapping[str, str], form: str) -> httpx.Request:
        """The request; raises QueryError for parameters that do not fit into an address."""
        given = {"database": self._analytics, "default_format": form, "buffer_size": str(ANSWER_BUFFER)}
        try:
            return self._http.build_request(
                "POST",
                self._where,
                content=statement.encode(),
                headers=self._login | {HEADER: site, "X-ClickHouse-Quota": site, "Accept-Encoding": "identity"},
                params=given | {f"param_{name}": value for name, value in parameters.items()},
            )
        except httpx.InvalidURL:
            raise QueryError("the parameters are too long: 60,000 characters at most, in all") from None

    async def _pieces(self, answer: httpx.Response) -> AsyncGenerator[bytes, None]:
        """The bytes, without what ClickHouse writes where it breaks off: that is raised."""
        tag = answer.headers.get("X-ClickHouse-Exception-Tag", "")
        mark = f"__exception__\r\n{tag}".encode()
        raw, kept = answer.aiter_raw(), b""
        try:
            async for piece in raw:
                kept += piece
                if tag and mark in kept:
                    raise self._broken(kept.partition(mark)[2] + await _rest(raw))
                sent, kept = kept[: -len(mark)], kept[-len(mark) :]
                if sent:
                    yield sent
            if kept:
                yield kept
        except httpx.HTTPError as error:
            raise Unavailable(f"ClickHouse breaks off: {error or type(error).__name__}") from None
        finally:
            await answer.aclose()

    def _broken(self, told: bytes) -> PulseError:
        said = told.decode(errors="replace")
        found = re.search(r"Code: (\d+)", said)
        return self._cause(int(found[1]) if found else 0, said)

    def _cause(self, code: int, said: str) -> PulseError:
        if code in UNKNOWN_USER:
            return Unavailable(
                f"ClickHouse knows no user {ROUTE} with this password: `pulse migrate`, run with an account that may make users, makes it"
            )
        if code in COSTLY and OF_ALL not in said:
            return TooCostly(f"the statement {COSTLY[code].format(self._limits)}")
        if code in BUSY:
            return Unavailable(f"ClickHouse cannot just now: {cleaned(said)}")
        return QueryError(cleaned(said))


def analyst_of(settings: Settings) -> Analyst:
    """The one that asks the server that the settings name; nothing is sent before the first statement. Raises SettingError."""
    url = settings.clickhouse_url.get_secret_value()
    address.demand("PULSE_CLICKHOUSE_URL", url)
    password = route_password(settings.secret.get_secret_value().encode())
    limits = Limits(settings.query_seconds, settings.query_mb, settings.query_rows)
    return Analyst(url, password, analytics_of(database_of(url)), limits)


def cleaned(said: str) -> str:
    """What ClickHouse says is wrong, without its version, its own user and where in its code it was."""
    text = said.split("DB::Exception:", 1)[-1].split("Stack trace:", 1)[0].split(" (version ", 1)[0]
    if "std::exception" in text:
        text = "the statement uses something that is not allowed here"
    text = text.replace(f"{ROUTE}: ", "")
    return " ".join(text.split())[:2_000]


async def _rest(raw: AsyncIterator[bytes]) -> bytes:
    """What else comes; the connection may end in the midst of it."""
    found = b""
    with suppress(httpx.HTTPError):
        async for piece in raw:
            found += piece
    return found
