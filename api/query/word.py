"""Small texts as clients may send them."""

import re
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints

from pulse.event import SITE

_MACHINES_OWN = {"localtime", "Factory"}


@cache
def timezones() -> frozenset[str]:
    """The IANA time zones that are known here."""
    return frozenset(available_timezones() - _MACHINES_OWN)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold control characters")
    return text


def _site(text: str) -> str:
    if re.fullmatch(SITE, text) is None:
        raise ValueError("must be 1 to 64 lower-case letters, digits, - and _, the first a letter or digit")
    return text


def _zone(name: str) -> str:
    if name not in timezones():
        raise ValueError("is not an IANA time zone such as Europe/Vienna")
    return name


Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_printable)
]
"""What people call something."""
Reference = Annotated[str, StringConstraints(max_length=64), AfterValidator(_printable)]
"""The id of something that may exist or not."""
SiteId = Annotated[str, AfterValidator(_site), Field(json_schema_extra={"pattern": SITE})]
"""A new site's public id."""
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)]
"""An IANA time zone."""
