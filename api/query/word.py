"""Small texts as clients may send them."""

import re
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints

from api.query.span import PERIOD
from pulse.event import COUNTRY, SITE

_MACHINES_OWN = {"localtime", "Factory"}


@cache
def timezones() -> frozenset[str]:
    """The IANA time zones that are known here."""
    return frozenset(available_timezones() - _MACHINES_OWN)


def shaped(pattern: str, said: str) -> AfterValidator:
    """Refuses a text that does not fit a pattern, in words."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(said)
        return text

    return AfterValidator(check)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold control characters")
    return text


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold the character NUL")
    return text


def _zone(name: str) -> str:
    if name not in timezones():
        raise ValueError("is not an IANA time zone such as Europe/Vienna")
    return name


WithoutNul = AfterValidator(_without_nul)
"""Of a text in which anything may stand but what PostgreSQL does not keep."""
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_printable)
]
"""What people call something."""
Reference = Annotated[str, StringConstraints(max_length=64), AfterValidator(_printable)]
"""The id of something that may exist or not."""
SiteId = Annotated[
    str,
    shaped(SITE, "must be 1 to 64 lower-case letters, digits, - and _, the first a letter or digit"),
    Field(json_schema_extra={"pattern": SITE}),
]
"""A new site's public id."""
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)]
"""An IANA time zone."""
CountryCode = Annotated[
    str,
    shaped(COUNTRY, "is not a two-letter country code"),
    AfterValidator(str.upper),
    Field(json_schema_extra={"pattern": COUNTRY}),
]
"""ISO 3166-1 alpha-2, empty for unknown."""
CurrencyCode = Annotated[
    str,
    shaped("[A-Z]{3}", "is not a three-letter currency code such as EUR"),
    Field(json_schema_extra={"pattern": "^[A-Z]{3}$"}),
]
"""ISO 4217."""
Moment = Annotated[str, StringConstraints(max_length=64)]
"""A time as clients write it."""
Start = Annotated[
    Moment | None,
    Field(
        description="The first moment: ms since the epoch, an ISO 8601 time, or a date, in `timezone` if it names no zone."
    ),
]
End = Annotated[
    Moment | None,
    Field(description="The moment after the last, likewise; a date is in whole. Now if missing."),
]
"""The range of a question."""
Period = Annotated[
    str,
    shaped(PERIOD, "is not a number of minutes, hours, days or weeks such as 30m, 24h, 7d or 4w"),
    Field(json_schema_extra={"pattern": PERIOD}),
]
"""So long up to now."""
