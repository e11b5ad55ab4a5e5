"""What is known of a request apart from its body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.collector.access import IMPORT
from api.collector.lane import is_asked
from api.collector.stamp import Receipt
from api.collector.visitor import Proxies, country, is_trusted, visitor_address
from api.keyring import Key
from pulse.clock import Bounds

HINTS = (b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform")
"""What a browser says of itself unasked; no more is asked for."""
HINTS_KEPT = 512
USER_AGENT = 1024
"""As much of a user agent as is kept: the contract's limit."""


@dataclass(frozen=True)
class Rules:
    """How requests are judged: which times are taken, and which proxies and which of their headers are believed."""

    bounds: Bounds
    proxies: Proxies
    country_header: bytes = b""


def receipt(
    scope: Mapping[str, Any],
    headers: Mapping[bytes, bytes],
    key: Key,
    site_id: str,
    received_at: int,
    rules: Rules,
) -> Receipt:
    """What a request, received at so many ms since the epoch, brings to each of its events."""
    peer: str = scope["client"][0] if scope.get("client") else ""
    forwarded = named = ""
    if is_trusted(peer, rules.proxies):
        forwarded = b",".join(v for k, v in scope["headers"] if k == b"x-forwarded-for").decode("latin-1")
        named = headers.get(rules.country_header, b"").decode("latin-1")
    return Receipt(
        site_id=site_id,
        received_at=received_at,
        secret=not key.public,
        imports=IMPORT in key.scopes,
        yields=is_asked(headers),
        ip=visitor_address(peer, forwarded, rules.proxies) or None,
        user_agent=headers.get(b"user-agent", b"").decode("latin-1")[:USER_AGENT] or None,
        client_hints=_hints(headers) if HINTS[0] in headers else None,
        country=country(named),
        mode=key.mode,
        unwilling=headers.get(b"sec-gpc") == b"1" or headers.get(b"dnt") == b"1",
    )


def _hints(headers: Mapping[bytes, bytes]) -> str | None:
    """The headers with a bar between them; none where they are longer than any browser's."""
    text = b"|".join(headers.get(name, b"") for name in HINTS).decode("latin-1")
    return text if len(text) <= HINTS_KEPT else None
