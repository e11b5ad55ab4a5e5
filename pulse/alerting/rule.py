"""A rule: what is measured, over which window, and when somebody is to be told. Minutes throughout."""

from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from pulse.alerting.impossible import Fault, fault_of

DAY = 1440
WEEK = 7 * DAY
HISTORY_DAYS = 14
"""How far back an anomaly looks."""
MOST_GROUPS = 100
"""How many groups of a rule are watched."""
CATCH_UP = 360
"""How many minutes are evaluated after the fact, when nobody did in time."""
AHEAD = 60
"""Minutes from now on beyond which nothing is counted."""
USUAL_VOLUME = 30
"""Of an anomaly that names no least volume."""

OF_MINUTES = ("events", "revenue", "bot_share", "ratio")
"""What the minute aggregates carry."""
SHARES_OF_RISK = ("risky_share", "vpn_share", "proxy_share", "tor_share")
"""How many of the events are risky, or come through a VPN, somebody else's device or Tor."""
OF_STORE = ("visitors", "sessions", "error_rate", "vital", "conversion", *SHARES_OF_RISK, "risk_events")
"""What is asked of the stored events."""
LAG = "lag"
METRICS = (*OF_MINUTES, *OF_STORE, LAG)
DIMENSIONS = ("event", "country", "device_type")

NUMBERS = (
    "value",
    "resolve",
    "percent",
    "z",
    "days",
    "window_minutes",
    "for_minutes",
    "min_volume",
    "cooldown_minutes",
)
"""Fields that hold numbers, or a list of them."""

Operator = Literal[">", ">=", "<", "<=", "==", "!="]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Words = Annotated[list[Word], Field(max_length=50)]


def _metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"is none of {', '.join(METRICS)}")
    return name


def _dimension(name: str) -> str:
    if name not in DIMENSIONS:
        raise ValueError(f"is none of {', '.join(DIMENSIONS)}: nothing else is watched by group")
    return name


def _reference(name: str) -> str:
    if not name.isprintable():
        raise ValueError("must not hold control characters")
    return name


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("is not an IANA time zone such as Europe/Vienna") from None
    return name


def refuse(fault: Fault | None) -> None:
    """Raise what pydantic tells of a fault, at the part that it is told of."""
    if fault is not None:
        place = tuple(fault.part.split("."))
        error = InitErrorDetails(
            type=PydanticCustomError("value_error", "{why}", {"why": fault.why}), loc=place, input=None
        )
        raise ValidationError.from_exception_data("rule", [error])


class Form(BaseModel):
    """What all parts of a rule share: nothing unknown is let through, nothing changes, and yes is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator(*NUMBERS, mode="before", check_fields=False)
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        if any(isinstance(each, bool) for each in (value if isinstance(value, list) else [value])):
            raise ValueError("must be a number, not true or false")
        return value


class Threshold(Form):
    """The value of the window against a number."""

    kind: Literal["threshold"]
    operator: Operator
    value: Number = Field(description="In the currency's units for revenue; 0 to 1 for a share.")
    resolve: Number | None = Field(None, description="What must be passed again before it is over; `value` if missing.")


class Relative(Form):
    """The change against an earlier window of the same length, in percent: -50 is half of it, 100 twice as much."""

    kind: Literal["relative"]
    against: Literal["previous", "day", "week"] = Field(description="The window just before, a day or a week before.")
    operator: Literal[">", ">=", "<", "<="]
    percent: Number = Field(description="The change in percent.")
    resolve: Number | None = Field(
        None, description="The change that must be passed again before it is over; `percent` if missing."
    )


class Anomaly(Form):
    """How far the value lies from what is usual, as a robust z-score: by median and median absolute deviation.

    Usual is the same time of the last 14 days, brought to the level of the last hour; with less than three days of
    history the windows of the last two hours.
    """

    kind: Literal["anomaly"]
    direction: Literal["up", "down", "both"] = "both"
    z: float = Field(3.5, ge=2, le=50, allow_inf_nan=False, description="From which score on it is one.")
    resolve: float | None = Field(
        None, ge=0, le=50, allow_inf_nan=False, description="Below which score it is over; half of `z` if missing."
    )


class NoData(Form):
    """Nothing at all within the window."""

    kind: Literal["no_data"]


Condition = Annotated[Threshold | Relative | Anomaly | NoData, Field(discriminator="kind")]


class Where(Form):
    """Which events count; what is empty lets all pass."""

    events: Words = []
    countries: Words = Field([], description="ISO 3166-1 alpha-2.")
    device_types: Words = []
    risk: list[Literal["low", "elevated", "high", "critical"]] = Field(
        [], max_length=4, description="Bands of risk: for `risk_events`, `visitors` and `sessions` alone."
    )


class Quiet(Form):
    """Hours in which nothing begins to fire. From before to is one day, else it goes past midnight."""

    start: str = Field(alias="from", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:00"])
    end: str = Field(alias="to", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["07:00"])
    timezone: Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)] = "UTC"
    days: list[Annotated[int, Field(ge=1, le=7)]] = Field(
        [], max_length=7, description="Days on which they begin, Monday is 1; all if empty."
    )


class Rule(Form):
    """What is to be watched."""

    metric: Annotated[str, AfterValidator(_metric)] = Field(
        description="`events`, `revenue` (of one `currency`), `bot_share`, `ratio` (events named in `of` for each of those in `over`), `visitors`, `sessions`, `error_rate` (visitors hit by an error for each visitor), `vital` (the 75th percentile of one web `vital`), `conversion` (visitors who did one of `over` and one of `of` after it, for each who did one of `over`), `risky_share`, `vpn_share`, `proxy_share`, `tor_share` (of all events), `risk_events` (events of the bands in `where.risk`), or `lag` (of Pulse itself, in seconds).",
        examples=["events"],
    )
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] | None = Field(
        None, description="For revenue: the one currency that counts."
    )
    of: Words = Field(
        [], description="For a ratio: the events above the line. For a conversion: those that come after."
    )
    over: Words = Field(
        [], description="For a ratio: the events below the line; all if empty. For a conversion: those that come first."
    )
    vital: Literal["lcp", "inp", "cls", "fcp", "ttfb"] | None = Field(
        None, description="For a vital: which one. Values are ms, but CLS, which has no unit."
    )
    where: Where = Where()
    group_by: Annotated[str, AfterValidator(_dimension)] | None = Field(
        None,
        description="`event`, `country` or `device_type`: each value is watched for itself, at most 100 of them.",
        examples=["country"],
    )
    window_minutes: int = Field(5, ge=1, le=WEEK, description="Length of the window, which slides by the minute.")
    condition: Condition
    for_minutes: int | None = Field(
        None,
        ge=0,
        le=CATCH_UP,
        description="For how many minutes more it must hold before it fires; 0 if missing, 1 for an anomaly.",
    )
    min_volume: int | None = Field(
        None, ge=0, le=10**12, description="Events below which nothing is said; 0 if missing, 30 for an anomaly."
    )
    cooldown_minutes: int = Field(0, ge=0, le=WEEK, description="For how long after it fired it does not fire again.")
    severity: Literal["info", "warning", "critical"] = "warning"
    quiet: Quiet | None = Field(None, description="Hours in which nothing begins to fire.")
    depends_on: Annotated[str, StringConstraints(max_length=64), AfterValidator(_reference)] | None = Field(
        None, description="Id of a rule of the same site: while it fires this one does not begin to."
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        refuse(fault_of(self))
        return self

    @property
    def holds_for(self) -> int:
        """For how many minutes beyond the first it must hold."""
        usual = 1 if isinstance(self.condition, Anomaly) else 0
        return usual if self.for_minutes is None else self.for_minutes

    @property
    def least(self) -> int:
        """Events below which nothing is said."""
        usual = USUAL_VOLUME if isinstance(self.condition, Anomaly) else 0
        return usual if self.min_volume is None else self.min_volume

    @property
    def is_of_minutes(self) -> bool:
        """Whether it is evaluated on the minute aggregates."""
        return self.metric in OF_MINUTES

    @property
    def is_of_store(self) -> bool:
        """Whether its value is asked of the stored events."""
        return self.metric in OF_STORE

    @property
    def is_anomaly(self) -> bool:
        """Whether it is compared with what is usual."""
        return isinstance(self.condition, Anomaly)

    @property
    def shift(self) -> int:
        """How many minutes before its own the window ends that it is compared with, 0 if with none."""
        if not isinstance(self.condition, Relative):
            return 0
        return {"previous": self.window_minutes, "day": DAY, "week": WEEK}[self.condition.against]

    @property
    def reach(self) -> int:
        """How many minutes back its evaluation looks."""
        window = self.window_minutes
        if isinstance(self.condition, Relative):
            return window + self.shift
        if isinstance(self.condition, Anomaly):
            return window + HISTORY_DAYS * DAY + 130
        return window

    @property
    def is_instant(self) -> bool:
        """Whether the running minute may already tell: what only grows within a minute, and rates of what has come."""
        return isinstance(self.condition, Threshold) and self.condition.operator in (">", ">=")
