"""Webhooks as they are asked for and answered."""

import re
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.query.word import Name, Reference, shaped
from pulse.outbound import kinds
from pulse.outbound.address import Refused, networks
from pulse.outbound.mail import is_mail, recipients
from pulse.outbound.signing import bytes_of
from pulse.outbound.target import LONGEST, target_of

MOST_HEADERS = 20
LONGEST_VALUE = 1_000
MAX_SAMPLE_BYTES = 32_768
RESERVED = re.compile(
    r"host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-.*|expect|user-agent|accept-encoding"
    r"|webhook-.*|x-pulse-.*"
)

_EVERYWHERE = networks("0.0.0.0/0,::/0")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?|")


def _url(text: str) -> str:
    """Takes an address apart; what it leads to is checked where it is known what may be called."""
    try:
        recipients(text) if is_mail(text) else target_of(text, _EVERYWHERE)
    except Refused as error:
        raise ValueError(str(error)) from None
    return text


def _secret(text: str) -> str:
    bytes_of(text)
    return text


def _headers(given: dict[str, str]) -> dict[str, str]:
    if len(given) > MOST_HEADERS or len({name.lower() for name in given}) < len(given):
        raise ValueError(f"must be at most {MOST_HEADERS}, each name once")
    for name, value in given.items():
        if not _TOKEN.fullmatch(name) or RESERVED.fullmatch(name.lower()):
            raise ValueError(f"{name[:100]!r} is no header's name, or one that Pulse sets itself")
        if len(value) > LONGEST_VALUE or not _VALUE.fullmatch(value):
            raise ValueError(f"{name!r} must be at most {LONGEST_VALUE:,} printable ASCII characters")
    return given


def _known(kind: str) -> str:
    fault = kinds.fault_of(kind)
    if fault:
        raise ValueError(fault)
    return kind


def _small(data: dict[str, Any]) -> dict[str, Any]:
    try:
        text = orjson.dumps(data)
    except TypeError as error:
        raise ValueError(f"cannot be kept as JSON: {error}") from None
    if len(text) > MAX_SAMPLE_BYTES:
        raise ValueError(f"must not take more than {MAX_SAMPLE_BYTES:,} bytes as JSON")
    return data


Url = Annotated[str, StringConstraints(max_length=LONGEST), AfterValidator(_url)]
Kind = Annotated[
    str,
    StringConstraints(max_length=100),
    shaped(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)*", "is not a kind such as alert.firing, all of a sort such as alert, or *"),
]
KnownKind = Annotated[Kind, AfterValidator(_known)]
Kinds = Annotated[list[KnownKind], Field(min_length=1, max_length=50, examples=[["alert.firing", "alert.resolved"]])]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]
Secret = Annotated[str, StringConstraints(max_length=200), AfterValidator(_secret)]
Template = Literal["json", "slack", "discord", "teams", "pagerduty", "opsgenie"]

SAMPLE: dict[str, Any] = {
    "rule_id": "rul_3f2a9c0d1b4e5f60",
    "rule": "Purchases by country",
    "severity": "critical",
    "metric": "events",
    "group_by": "country",
    "group": "AT",
    "value": 2.0,
    "expected": {"low": 10.0, "high": None},
    "window": {"start": 1_790_000_040_000, "end": 1_790_000_340_000},
    "began": 1_790_000_340_000,
    "reason": "events in 5 min of country AT: 2, < 10",
}
"""What an alert's notice says."""
WHICH = "Kinds of notices that it is sent: `alert.firing`; `alert` for all that begin so; `*` for all but leads, `lead.created` or `lead`, sessions of a high risk, `risk.high`, and summaries, `summary.minute`, `summary.hour`, `summary.day` or `summary`."
ITS_HEADERS = "Headers that are sent with each, such as a token. Their values are kept sealed and not shown again."
UNMASKED = "Whether it is told in whole who leads are and what they wrote; else masked."
ITS_SECRET = "By which messages are signed: `whsec_` and 24 to 64 bytes as base64; made if missing."


class WebhookRequest(BaseModel):
    """A webhook as it is to be."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"site_id": "shop", "url": "https://example.org/hooks/pulse", "kinds": ["alert.firing"]}
        },
    )

    url: Url = Field(
        description="Where notices are posted: https or http, a public address; or `mailto:` and whom to mail."
    )
    site_id: Reference | None = Field(
        None, description="The site whose notices; may be left out where the key is bound to one."
    )
    name: Name | None = Field(None, description="What people call it; its host if missing.")
    kinds: Kinds = Field(["*"], description=WHICH)
    template: Template = Field("json", description="The form of the body: the notice itself, or what a receiver takes.")
    headers: Headers = Field({}, description=ITS_HEADERS)
    enabled: bool = Field(True, description="Whether anything is sent.")
    secret: Secret | None = Field(None, description=ITS_SECRET)
    unmasked: bool = Field(False, description=UNMASKED)


class WebhookChange(BaseModel):
    """What is to change of a webhook; what is missing stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"enabled": True}})

    url: Url = Field("", description="Where notices are posted.")
    name: Name = Field("", description="What people call it.")
    kinds: Kinds = Field([], description=WHICH)
    template: Template = Field("json", description="The form of the body.")
    headers: Headers = Field({}, description="Headers, in place of all that it had.")
    enabled: bool = Field(True, description="Whether anything is sent; what waits when it is disabled is dead.")
    unmasked: bool = Field(False, description=UNMASKED)


class WebhookRecord(BaseModel):
    """A webhook. Times are ms since the epoch."""

    id: str = Field(examples=["whk_3f2a9c0d1b4e5f60"])
    site_id: str
    name: str
    url: str
    kinds: list[str]
    template: str
    headers: list[str] = Field(description="The names of its headers.")
    unmasked: bool = Field(description=UNMASKED)
    enabled: bool
    disabled: int | None = Field(None, description="When it was disabled.")
    disabled_why: str | None = Field(None, description="By whom or why.")
    breaker: str = Field(
        description="`closed`: all is sent. `open`: it fails and is left alone until `blocked_until`. `trial`: one delivery tries.",
        examples=["closed"],
    )
    failures: int = Field(description="Failed attempts in a row.")
    failing_since: int | None = Field(None, description="Since when there were only failures.")
    blocked_until: int | None = Field(None, description="Until when it is left alone.")
    previous_secret_until: int | None = Field(None, description="Until when the secret before signs too.")
    created: int


class ShownWebhook(WebhookRecord):
    """A webhook with the secret that was just made: it is shown this once."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw…"])


class SecretRotation(BaseModel):
    """How a secret is to be replaced."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: float = Field(24, ge=0, le=720, description="For how long the old secret signs too.")
    secret: Secret | None = Field(None, description=ITS_SECRET)


def _one(kind: str) -> str:
    if kind not in kinds.KINDS:
        raise ValueError(kinds.fault_of(kind) or "stands for several kinds: name one, such as alert.firing")
    return kind


class Sample(BaseModel):
    """A notice to try a template with."""

    model_config = ConfigDict(extra="forbid")

    template: Template = "json"
    kind: Annotated[Kind, AfterValidator(_one)] = Field("alert.firing", examples=["alert.resolved"])
    data: Annotated[dict[str, Any], AfterValidator(_small)] = Field(
        SAMPLE,
        description="What the notice has to say.",
    )


class Preview(BaseModel):
    """What would be sent."""

    path: str = Field("", description="What is put behind the webhook's own path.")
    body: dict[str, Any]
