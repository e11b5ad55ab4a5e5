"""Under which names it is kept how often the events of a site have changed, for those who keep what was asked of them."""

from contextlib import suppress

from redis import Redis
from redis.exceptions import RedisError

ANSWER_S = 2

EVERY_SITE = "pulse:changes"
"""A number that grows whenever the events of any site may have changed."""


def changes_of(site_id: str) -> str:
    """The name of a number that grows whenever something of a site was stored: soon after, and once for all that was by then."""
    return f"pulse:changes:{site_id}"


def altered_of(site_id: str) -> str:
    """The name of a number that grows whenever somebody altered what answers about a site depend on."""
    return f"pulse:altered:{site_id}"


def tell(redis_url: str) -> None:
    """Tell that the events of any site may have changed. A Redis that is away keeps nothing that could be wrong for long."""
    with suppress(RedisError, OSError):
        with Redis.from_url(redis_url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S) as redis:
            redis.incr(EVERY_SITE)
