"""What a key allows, and whose data it may see."""

from api.keyring import Key
from api.problems import BadParameter, Forbidden
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
