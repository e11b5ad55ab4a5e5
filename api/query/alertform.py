"""Alert rules as they are asked for and answered. Moments are ms since the epoch."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from api.control.model import AlertRule
from api.query.word import Name, Reference
from pulse.alerting.rule import Rule
from pulse.alerting.wanted import WantedRule
from pulse.event import MAX_MS

EXAMPLE: dict[str, Any] = {
    "name": "Checkout errors",
    "site_id": "shop",
    "metric": "ratio",
    "of": ["checkout_failed"],
    "over": ["checkout_started"],
    "window_minutes": 5,
    "condition": {"kind": "threshold", "operator": ">", "value": 0.05, "resolve": 0.02},
    "min_volume": 50,
}


Standing = Literal["ok", "firing", "no_data", "off", "unknown"]


class AlertRequest(WantedRule):
    """A rule as it is to be."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"example": EXAMPLE})

    name: Name = Field(description="What people call it; it stands in what is told.")
    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    enabled: bool = Field(True, description="Whether it watches at all.")


class AlertChange(BaseModel):
    """What is to change of a rule; what is missing stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"snoozed_until": 1_795_700_000_000}})

    name: Name = Field("", description="What people call it.")
    enabled: bool = Field(True, description="Whether it watches at all.")
    muted: bool = Field(False, description="While it is, it does not begin to fire.")
    snoozed_until: Annotated[int, Strict()] | None = Field(
        None, ge=0, le=MAX_MS, description="Until then it does not begin to fire; null ends that."
    )


class AlertRecord(Rule):
    """A rule."""

    id: str = Field(examples=["rule_2f6c1d0a9b3e4c57"])
    site_id: str = Field(examples=["shop"])
    name: str = Field(examples=["Checkout errors"])
    enabled: bool
    muted: bool
    snoozed_until: int | None = None
    created: int = Field(examples=[1763640000000])
    changed: int = Field(description="Since when it is as it is.", examples=[1763640000000])


class AlertStanding(AlertRecord):
    """A rule with where it stands."""

    state: Standing = Field(
        description="What it told last: `firing`, `no_data`, or `ok` if nothing or that it is over. `off`: it is not enabled. `unknown`: the store of what was told does not answer."
    )
    groups_firing: int | None = Field(
        description="How many of its groups fire, 1 of a rule without groups; null if that is unknown.", examples=[0]
    )


class Expected(BaseModel):
    """Between which values all would be well, null where there is no such end."""

    low: float | None = None
    high: float | None = None


class Window(BaseModel):
    """The first moment of a window, and the one after the last."""

    start: int
    end: int


class Occurrence(BaseModel):
    """Something that a rule told."""

    id: str
    at: int = Field(description="When it was told.")
    kind: str = Field(description="`firing`, `resolved` or `no_data`.", examples=["firing"])
    rule_id: str
    rule: str = Field(description="Its name then.")
    severity: str
    group: str | None = Field(None, description="Which group, of a rule that has several.")
    value: float | None = None
    expected: Expected
    window: Window
    reason: str = Field(examples=["events in 5 min: 12, < 100"])
    test: bool = Field(description="Whether it was told to try it out.")


class Span(BaseModel):
    """How far back a rule is tried."""

    model_config = ConfigDict(extra="forbid")

    days: Annotated[int, Strict()] = Field(7, ge=1, le=14, description="Days up to now.")


class Trial(Span):
    """A rule that is not kept, and how far back it is to be tried."""

    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    rule: WantedRule


class Firing(BaseModel):
    """A time at which a rule would have fired."""

    group: str | None = None
    fired: int = Field(description="The end of the minute with which it would have fired.")
    resolved: int | None = Field(None, description="The end of the minute with which it would have been over.")
    value: float | None = None
    expected: Expected
    reason: str


class Backtest(BaseModel):
    """What a rule would have told over stored minutes."""

    fired: int = Field(description="How often it would have fired.")
    from_ms: int = Field(description="The first moment that was looked at.")
    to_ms: int = Field(description="The moment after the last.")
    firings: list[Firing] = Field(description="The first thousand of them.")


class Tested(BaseModel):
    """The notice that was told to try it out."""

    id: str


def definition_of(rule: Rule) -> dict[str, Any]:
    """What of a rule is kept as its definition."""
    return rule.model_dump(mode="json", by_alias=True, include=set(Rule.model_fields), exclude_none=True)


def told(rule: AlertRule) -> AlertRecord:
    """A rule as it is answered."""
    return AlertRecord.model_validate(_fields(rule))


def told_standing(rule: AlertRule, state: Standing, groups_firing: int | None) -> AlertStanding:
    """The same with where it stands."""
    return AlertStanding.model_validate(_fields(rule) | {"state": state, "groups_firing": groups_firing})


def _fields(rule: AlertRule) -> dict[str, Any]:
    kept = {name: getattr(rule, name) for name in ("id", "name", "enabled", "muted", "snoozed_until", "created")}
    return rule.definition | kept | {"site_id": rule.site, "changed": rule.changed}
