"""The body of /lead and its answer, each field with its limits."""

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from pulse.event import UUID, Address, Identity
from pulse.leads.personal import Value

MAX_FIELDS = 50
LONGEST_VALUE = 10_000
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")

FieldName = Annotated[str, Meta(max_length=200)]
FieldValue = (
    Annotated[str, Meta(max_length=LONGEST_VALUE)]
    | Annotated[int, Meta(ge=-(2**53), le=2**53)]
    | Annotated[float, Meta(ge=-1e300, le=1e300)]
    | bool
    | None
)


class LeadForm(Struct, omit_defaults=True):
    """The body of /lead. One of name, email, phone and message must be there; other names go into `fields`."""

    name: Annotated[FieldName, Meta(description="Who it is.")] = ""
    email: Annotated[str, Meta(max_length=320, description="An e-mail address.")] = ""
    phone: Annotated[str, Meta(max_length=64, description="A telephone number, as it was written.")] = ""
    message: Annotated[str, Meta(max_length=10_000, description="What they wrote.")] = ""
    form: Annotated[FieldName, Meta(description="Which form it was.")] = ""
    page: Annotated[
        Address, Meta(description="The page's address; kept without its query, but for utm_… in the event.")
    ] = ""
    referrer: Annotated[Address, Meta(description="Where the visitor came from; for the event alone.")] = ""
    session_id: Annotated[Identity, Meta(description="The session in which it was sent.")] = ""
    visitor_id: Annotated[Identity, Meta(description="The visitor who sent it.")] = ""
    lead_id: (
        Annotated[str, Meta(pattern=UUID, description="The same id again is the same lead. Made if missing.")] | None
    ) = None
    consent: Annotated[Literal["granted", "denied"], Meta(description="The visitor's answer, where asked.")] | None = (
        None
    )
    fields: Annotated[
        dict[FieldName, FieldValue],
        Meta(max_length=MAX_FIELDS, description=f"Other fields, texts of at most {LONGEST_VALUE:,} characters."),
    ] = field(default_factory=dict[str, Value])
    honeypot: Annotated[str, Meta(description="A field that people do not see.")] = field(default="", name="__pg_hp")
    seconds: (
        Annotated[
            float, Meta(ge=0, le=1e9, description="How long it took from the form's appearance until it was sent.")
        ]
        | None
    ) = field(default=None, name="__pg_tts")


class LeadKept(Struct):
    """The answer of /lead; the time is in ms since the epoch."""

    lead_id: str
    timestamp: int
