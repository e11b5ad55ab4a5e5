"""Keys as they are asked for and answered."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.problems import BadParameter
from api.query.word import Name, Reference
from pulse.event import MAX_MS

Scope = Literal[
    "events:write",
    "events:import",
    "stats:read",
    "alerts:write",
    "sql:read",
    "leads:read",
    "leads:unmasked",
    "leads:write",
    "admin",
]

_ORIGIN = re.compile(r"\*|https?://(\*\.)?[A-Za-z0-9._-]+(:\d{1,5})?")


def _origin(text: str) -> str:
    if _ORIGIN.fullmatch(text) is None:
        raise ValueError("is not an origin such as https://example.org, https://*.example.org or *")
    return text


Origin = Annotated[str, StringConstraints(max_length=255), AfterValidator(_origin)]


class KeyRequest(BaseModel):
    """A key as it is to be."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"name": "Checkout server", "site_id": "shop", "scopes": ["events:write", "stats:read"]}
        },
    )

    name: Name = Field(description="What it is for.")
    site_id: Reference | None = Field(
        None, description="The one site it is for; else it reads all sites of the organisation."
    )
    scopes: list[Scope] = Field(["events:write"], min_length=1, max_length=10, description="What it may do.")
    origins: list[Origin] = Field([], max_length=100, description="Whose pages may use a public key.")
    public: bool = Field(False, description="A key for pages: everybody may see it; it may only write.")
    expires: int | None = Field(
        None, ge=0, le=MAX_MS, description="When it ends, ms since the epoch; never if missing."
    )

    def writes(self) -> bool:
        """Whether it may send events."""
        return any(scope.startswith("events:") for scope in self.scopes)


class KeyRecord(BaseModel):
    """A key: of the key itself only the beginning. Times are ms since the epoch."""

    id: str = Field(examples=["key_2f6c1d0a9b3e4c57"])
    site_id: str | None = Field(None, examples=["shop"])
    name: str = Field(examples=["Checkout server"])
    prefix: str = Field(description="The key's beginning.", examples=["pulse_prod_aB3dE6"])
    scopes: list[str] = Field(examples=[["events:write", "stats:read"]])
    origins: list[str]
    public: bool
    created: int = Field(examples=[1763640000000])
    expires: int | None = None
    revoked: int | None = None
    last_used: int | None = Field(None, description="When it was last used, within a minute.")


class ShownKey(KeyRecord):
    """A key that was just made, with the key itself: it is shown this once."""

    key: str = Field(examples=["pulse_prod_aB3dE6…"])


class Rotation(BaseModel):
    """How a key is to be replaced."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: float = Field(168, ge=0, le=2_160, description="For how long the old key stays valid.")


def refuse(wanted: KeyRequest, now: int) -> None:
    """Raise BadParameter for a key that contradicts itself or has ended before it begins; `now` is in ms."""
    if wanted.public and set(wanted.scopes) != {"events:write"}:
        raise BadParameter("scopes", "a public key may have events:write alone")
    if wanted.public and not wanted.origins:
        raise BadParameter("origins", "a public key needs at least one; * allows all")
    if wanted.origins and not wanted.public:
        raise BadParameter("origins", "only a public key is bound to origins")
    if wanted.expires is not None and wanted.expires <= now:
        raise BadParameter("expires", "lies in the past")
