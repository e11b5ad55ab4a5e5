"""Who may watch what: a key or a ticket, the site, and for how long."""

from collections.abc import Mapping

from anyio import to_thread

from api.allowed import READ, own_site
from api.collector.access import allows
from api.control.store import Store
from api.keyring import Key, Keyring, presented_key
from api.live.client import Admitted
from api.live.ticket import Tickets
from api.live.token import Tokens, is_token
from api.live.want import Want
from api.problems import Forbidden, Unauthenticated
from pulse.errors import NotFound


class Admission:
    """Judges by the keys, the tickets and the sites that are there now."""

    def __init__(self, keyring: Keyring, tickets: Tickets, tokens: Tokens, store: Store) -> None:
        self._keyring = keyring
        self._tickets = tickets
        self._tokens = tokens
        self._store = store

    async def key(self, headers: Mapping[str, str], ticket: str = "") -> Key:
        """The key of a request, or of its ticket; raises Unauthenticated, Forbidden, Unavailable."""
        found = await self._found(headers, ticket)
        if READ not in found.scopes:
            raise Forbidden(f"the key lacks the scope {READ}")
        origin = headers.get("origin", "")
        if found.origins and not allows(found.origins, origin):
            raise Forbidden("the key may not be used from this origin")
        return found

    async def admit(self, headers: Mapping[str, str], want: Want) -> Admitted:
        """Whom to send what a request wants; raises as `key` does, NotFound, BadParameter."""
        presented = presented_key(headers.get("authorization"), headers.get("x-api-key"))
        token = want.token if presented is None else presented
        if token and (presented is None or is_token(presented)):
            return await self._by_token(token, want.site_id)
        key = await self.key(headers, want.ticket)
        site = own_site(key, want.site_id)
        await to_thread.run_sync(self._store.sites.get, key.organisation, site)
        return Admitted(key, site)

    async def _by_token(self, token: str, site_id: str | None) -> Admitted:
        claims = self._tokens.claims(token)
        if site_id not in (None, claims.site):
            raise NotFound(f"there is no site {site_id!r}")
        await to_thread.run_sync(self._store.sites.organisation_of, claims.site)
        return Admitted(None, claims.site, claims.ends)

    async def still(self, key: Key | None, site: str, now: int) -> bool:
        """Whether a key is still valid, if there is one, and a site there; raises Unavailable."""
        return await to_thread.run_sync(self._is_valid, key, site, now)

    def _is_valid(self, key: Key | None, site: str, now: int) -> bool:
        try:
            if key is None:
                self._store.sites.organisation_of(site)
                return True
            end = self._store.keys.get(key.organisation, key.site_id, key.id).ends()
            self._store.sites.get(key.organisation, site)
        except NotFound:
            return False
        return end is None or end > now

    async def _found(self, headers: Mapping[str, str], ticket: str) -> Key:
        presented = presented_key(headers.get("authorization"), headers.get("x-api-key"))
        if presented is not None and is_token(presented):
            raise Unauthenticated("a ticket is made on a key, not on a token")
        if presented is not None:
            key = await self._keyring.find(presented)
            why = "the key is unknown, revoked or expired"
        elif ticket:
            key = await self._tickets.take(ticket)
            why = "the ticket is unknown, used up or too old"
        else:
            raise Unauthenticated(
                "no key: send it as Authorization: Bearer or as X-API-Key, or a ticket as ?ticket=, or a token as ?token="
            )
        if key is None:
            raise Unauthenticated(why)
        return key
