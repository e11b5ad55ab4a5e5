"""The users of ClickHouse that analysts are: what they are called, and by what they prove it."""

import hmac
import secrets
from hashlib import sha256
from typing import NamedTuple

from pulse.analyst import rule

PREFIX = "analyst_"
ROUTE = "pulse_sql"
"""The user as whom the query API asks what is sent to it in SQL."""
PROFILE = "pulse_analyst"


class User(NamedTuple):
    """A user: name, SHA-256 of the password in hex, and the value that the rows' site must have."""

    name: str
    digest: str
    value: str


def of_site(site: str, password: str) -> User:
    """The user of one site's analysts."""
    return User(name_of(site), digest(password), rule.of_site(site))


def of_route(secret: bytes) -> User:
    """The query API's own user, whose site is that of each request."""
    return User(ROUTE, digest(route_password(secret)), rule.of_header())


def name_of(site: str) -> str:
    """What the user of a site is called."""
    return PREFIX + site


def site_of(name: str) -> str | None:
    """The site of a user by the user's name; None if it is no analyst."""
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else None


def route_password(secret: bytes) -> str:
    """The password of the query API's own user, which follows from the secret that its processes share."""
    return hmac.new(secret, f"clickhouse user {ROUTE}".encode(), sha256).hexdigest()


def new_password() -> str:
    """A password that nobody guesses."""
    return secrets.token_urlsafe(24)


def digest(password: str) -> str:
    """What ClickHouse keeps of a password."""
    return sha256(password.encode()).hexdigest()
