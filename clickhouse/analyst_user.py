"""The query API's own user for SQL, on a server that keeps users itself."""

from clickhouse.client import Client
from pulse.analyst import as_sql, user
from pulse.analyst.rule import Limits, analytics_of
from pulse.errors import QueryError

IN_FILES = frozenset({495, 514})
"""Codes of a server whose users all stand in files: the embedded one's are written by whoever starts it."""
FORBIDDEN = 497


def make_route(client: Client, secret: bytes, limits: Limits) -> str:
    """Make the user, or give it these limits; in words why that is not possible here, empty if it is or need not be.

    Raises Unavailable, and QueryError for what is unforeseen.
    """
    of = client.database, analytics_of(client.database)
    try:
        for statement in (as_sql.profile(limits), *as_sql.created(user.of_route(secret), *of)):
            client.command(statement)
    except QueryError as error:
        if error.code == FORBIDDEN:
            return f"POST /api/v1/sql is not answered, as the user {user.ROUTE} cannot be made: {error}"
        if error.code not in IN_FILES:
            raise
    return ""
