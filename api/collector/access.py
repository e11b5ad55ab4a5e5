"""Who may write: the key that is presented, its scopes, and where a public one may be used."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from api.collector.answer import Header, Problem
from api.collector.header import remembered
from api.keyring import Key

WRITE = "events:write"
IMPORT = "events:import"
CHALLENGE: Header = (b"www-authenticate", b"Bearer")
LONGEST_KEY = 200

Headers = Mapping[bytes, bytes]


def presented(headers: Headers, query: bytes) -> tuple[str, bool]:
    """The key of a request, and whether it stands in the address; raises Problem 401 if there is none."""
    scheme, _, bearer = headers.get(b"authorization", b"").strip().partition(b" ")
    key, in_address = (bearer.strip() if scheme.lower() == b"bearer" else b""), False
    key = key or headers.get(b"x-api-key", b"").strip()
    if not key and b"api_key=" in query:
        found = parse_qs(query).get(b"api_key")
        key, in_address = (found[0] if found else b""), True
    if not key:
        raise _unauthorized("no key: send it as Authorization: Bearer, as X-API-Key, or a public one as ?api_key=")
    if len(key) > LONGEST_KEY:
        raise unknown()
    return key.decode("latin-1"), in_address


def unknown() -> Problem:
    """The answer to a key that is not, or no longer, one."""
    return _unauthorized("the key is unknown, revoked or expired")


def admit(key: Key, in_address: bool, origin: str) -> str:
    """The site that a key may write to; raises Problem 401 or 403 where it may not."""
    if in_address and not key.public:
        raise _unauthorized("a secret key is not taken from the address: send it as Authorization: Bearer")
    if WRITE not in key.scopes:
        raise Problem(403, "missing_scope", f"the key lacks the scope {WRITE}")
    if key.site_id is None:
        raise Problem(403, "no_site", "the key belongs to no site: write with a key of the site")
    if key.public and not allows(key.origins, origin):
        said = f"from {origin[:200]}" if origin else "without an Origin header"
        raise Problem(
            403, "origin_not_allowed", f"the key may not be used {said}: allow the origin, or use a secret key"
        )
    return key.site_id


@remembered(4096, by=1)
def allows(origins: tuple[str, ...], origin: str) -> bool:
    """Whether an origin is among those allowed: itself, `https://*.example.com`, or `*` for all and for none."""
    if "*" in origins or not origin:
        return "*" in origins
    given = origin.lower()
    return any(_matches(allowed.lower().rstrip("/"), given) for allowed in origins)


def _matches(allowed: str, origin: str) -> bool:
    before, star, after = allowed.partition("*")
    if not star:
        return allowed == origin
    inner = origin[len(before) : len(origin) - len(after)]
    return origin.startswith(before) and origin.endswith(after) and bool(inner) and "/" not in inner


def _unauthorized(detail: str) -> Problem:
    return Problem(401, "unauthorized", detail, headers=(CHALLENGE,))
