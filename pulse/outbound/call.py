"""One POST to an address that a user named, which ends in time whatever the other side does."""

import asyncio
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpcore

from pulse import VERSION
from pulse.outbound.address import Network, Refused
from pulse.outbound.resolve import Resolver, checked, system
from pulse.outbound.target import Target, target_of

TOTAL_S = 8.0
"""From looking up the name to the last byte that is read."""
READ_BYTES = 1_024
"""So much of an answer is read; the connection is closed on the rest."""
AGENT = f"pulse/{VERSION}"

_FIXED = {"user-agent": AGENT, "accept-encoding": "identity", "connection": "close"}


@dataclass(frozen=True)
class Answer:
    """What became of a call: a status with the beginning of what was answered, or else an error; `ms` is how long it took."""

    status: int | None = None
    body: bytes = b""
    error: str = ""
    retry_after: str = ""
    ms: int = 0


class Caller:
    """Calls what may be called. `resolver` and `tls` are the system's own unless given. Belongs to one event loop."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        resolver: Resolver = system,
        tls: ssl.SSLContext | None = None,
        total_s: float = TOTAL_S,
        at_once: int = 1_000,
    ) -> None:
        self._allowed = allowed
        self._total_s = total_s
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or ssl.create_default_context(),
            max_connections=at_once,
            max_keepalive_connections=0,
            network_backend=_Guarded(allowed, resolver),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a body; never raises but for being cancelled. Redirects are answers like others, not followed."""
        begun = time.monotonic()
        heard = _Heard()
        error = ""
        try:
            async with asyncio.timeout(self._total_s):
                await self._exchange(target_of(url, self._allowed), headers, body, heard)
        except TimeoutError:
            error = (
                f"no answer within {self._total_s:g} s" if heard.status is None else "the answer did not end in time"
            )
        except Refused as why:
            error = str(why)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as why:
            error = f"{type(why).__name__}: {why}"
        ms = int((time.monotonic() - begun) * 1000)
        return Answer(heard.status, heard.body[:READ_BYTES], error, heard.retry_after, ms)

    async def _exchange(self, at: Target, headers: Mapping[str, str], body: bytes, heard: "_Heard") -> None:
        url = httpcore.URL(scheme=at.scheme, host=at.host, port=at.port, target=at.path)
        sent = {**headers, **_FIXED, "host": at.authority, "content-length": str(len(body))}
        fields = [(name.encode(), value.encode()) for name, value in sent.items()]
        async with self._pool.stream("POST", url, headers=fields, content=body) as answer:
            heard.status = answer.status
            heard.retry_after = _field(answer.headers, b"retry-after")
            async for part in answer.aiter_stream():
                heard.body += part[: READ_BYTES - len(heard.body)]
                if len(heard.body) >= READ_BYTES:
                    return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.aclose()


@dataclass
class _Heard:
    """What has been heard so far, kept when the rest never comes."""

    status: int | None = None
    retry_after: str = ""
    body: bytes = b""


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to an address that was checked, and to no other: a name that leads elsewhere a moment later does not matter.

    Names are still what the header Host and TLS go by.
    """

    def __init__(self, allowed: Sequence[Network], resolver: Resolver) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the form that httpcore asks for
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failed: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in await checked(host, self._allowed, self._resolver):
            try:
                return await self._plain.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                failed = error
        raise failed

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - likewise
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise Refused("is no address on a network")

    async def sleep(self, seconds: float) -> None:
        await self._plain.sleep(seconds)


def _field(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> str:
    found = next((value for name, value in headers if name.lower() == wanted), b"")
    return found.decode("latin-1")[:100]
