"""Who asks, what the key allows, and whose data it may see."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from api.keyring import Key, presented_key
from api.problems import BadParameter, Forbidden, Unauthenticated
from api.query.parts import With
from pulse.errors import NotFound

READ = "stats:read"
ADMIN = "admin"
ALERT = "alerts:write"
SQL = "sql:read"
LEADS = "leads:read"
UNMASKED = "leads:unmasked"
WRITE = "events:write"
IMPORT = "events:import"
FORWARD = "leads:write"

_BEARER = HTTPBearer(auto_error=False, description="A secret key: `Authorization: Bearer pulse_prod_…`.")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key in a header of its own.")


async def asking(request: Request, parts: With, _: object = Security(_BEARER), __: object = Security(_HEADER)) -> Key:
    """The key of a request; raises Unauthenticated if there is none that is valid."""
    presented = presented_key(request.headers.get("authorization"), request.headers.get("x-api-key"))
    if presented is None:
        raise Unauthenticated("no key: send it as Authorization: Bearer or as X-API-Key")
    key = await parts.keyring.find(presented)
    if key is None:
        raise Unauthenticated("the key is unknown, revoked or expired")
    return key


def needing(*scopes: str) -> Callable[[Key], Awaitable[Key]]:
    """A dependency that lets keys pass that have one of some scopes; raises Forbidden for others."""

    async def check(key: Annotated[Key, Depends(asking)]) -> Key:
        if key.scopes.isdisjoint(scopes):
            raise Forbidden(f"the key lacks the scope {' or '.join(scopes)}")
        return key

    return check


Reader = Annotated[Key, Depends(needing(READ))]
"""A key that may read statistics."""


async def importing(key: Reader) -> Key:
    """Lets a key pass that may send events too: one that may do nothing else is answered by nothing here."""
    if key.scopes.isdisjoint((ADMIN, WRITE, IMPORT)):
        raise Forbidden(f"the key lacks the scope {WRITE} or {IMPORT}")
    return key


Importer = Annotated[Key, Depends(importing)]
"""A key that may read statistics and send events."""
Administrator = Annotated[Key, Depends(needing(ADMIN))]
"""A key that may change sites and keys: of its organisation, or of its one site."""

Watcher = Annotated[Key, Depends(needing(ADMIN, ALERT))]
"""A key that may change alert rules."""

LeadReader = Annotated[Key, Depends(needing(ADMIN, LEADS, UNMASKED, FORWARD))]
"""A key that may see leads, masked unless it says otherwise."""
LeadWriter = Annotated[Key, Depends(needing(ADMIN, FORWARD))]
"""A key that may change, forward and delete leads."""


def own_site(key: Key, site_id: str | None) -> str:
    """The site that a key asks about: its own, or the one it names.

    Raises NotFound for another site than its own, BadParameter if the key has none and names none. Whether a named site
    is of the key's organisation remains to be looked up.
    """
    named = site_id or key.site_id
    if named is None:
        raise BadParameter("site_id", "is required, as the key is not bound to one site")
    if key.site_id not in (None, named):
        raise NotFound(f"there is no site {named!r}")
    return named


def require_whole_organisation(key: Key) -> None:
    """Raise Forbidden for a key that is bound to one site."""
    if key.site_id is not None:
        raise Forbidden(f"the key is bound to the site {key.site_id}; this takes a key of the whole organisation")
