"""Who asks, and what the key allows, as what routes depend on."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from api.allowed import ADMIN, ALERT, FORWARD, IMPORT, LEADS, READ, UNMASKED, WRITE
from api.keyring import Key, presented_key
from api.problems import Forbidden, Unauthenticated
from api.query.parts import With

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
