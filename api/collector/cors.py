"""What lets a page of another origin read the answer. The key guards, not these: no cookie is ever asked for."""

from api.collector.answer import Header

EXPOSED: Header = (b"access-control-expose-headers", b"retry-after")
PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding, x-api-key"),
    (b"access-control-max-age", b"86400"),
)


def allowing(origin: bytes | None) -> tuple[Header, ...]:
    """The headers that let this origin read an answer, errors too; none for a request that names no origin."""
    if origin is None:
        return ()
    return (b"access-control-allow-origin", origin), (b"vary", b"Origin"), EXPOSED
