"""The steps of a funnel, as clients send them."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.query.filters import FilterForm
from clickhouse.reports.filter import NOTHING
from clickhouse.reports.funnel import (
    FEWEST_STEPS,
    MOST_EXCLUSIONS,
    MOST_STEPS,
    Count,
    Exclusion,
    FunnelQuery,
    Order,
    Step,
)
from clickhouse.reports.scope import Scope

SESSION = "session"
WINDOW = r"^([1-9]\d{0,7}[smhd]|session)$"
UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
LONGEST_DAYS = 366


EventName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
FieldName = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


def _window(text: str) -> str:
    if text != SESSION and int(text[:-1]) * UNIT_MS[text[-1]] > LONGEST_DAYS * UNIT_MS["d"]:
        raise ValueError(f"must not be longer than {LONGEST_DAYS}d")
    return text


class StepForm(BaseModel):
    """A step."""

    model_config = ConfigDict(extra="forbid")

    event: EventName | None = Field(None, description="The event's name; any event that passes the filter if missing.")
    filter: FilterForm = NOTHING
    name: Annotated[str, StringConstraints(max_length=200)] = Field("", description="What the answer calls it.")
    optional: bool = Field(False, description="Whether it may be left out; not the first, and not in any order.")


class ExclusionForm(BaseModel):
    """An event that ends an attempt."""

    model_config = ConfigDict(extra="forbid")

    event: EventName | None = Field(None, description="The event's name; any event that passes the filter if missing.")
    filter: FilterForm = NOTHING
    from_step: int = Field(ge=1, le=MOST_STEPS, description="Once this step is reached; 1 is the first.")
    to_step: int = Field(ge=1, le=MOST_STEPS, description="As long as this one is not.")


class StepsForm(BaseModel):
    """What a funnel is, whenever it is asked."""

    model_config = ConfigDict(extra="forbid")

    steps: list[StepForm] = Field(min_length=FEWEST_STEPS, max_length=MOST_STEPS)
    order: Order = Field(
        "ordered",
        description="`ordered`: other events may come between; `strict`: none that passes the filter; `any`: in any order.",
    )
    window: Annotated[str, StringConstraints(pattern=WINDOW), AfterValidator(_window)] = Field(
        "14d",
        description="How long after the first step the others count: `30s`, `10m`, `24h`, `14d`; `session`: in the same session, within a day.",
    )
    exclusions: list[ExclusionForm] = Field([], max_length=MOST_EXCLUSIONS)
    count: Count = Field(
        "users",
        description="`users`: people where known, else visitors; `visitors`; `sessions`; `totals`: each attempt of a user, one after another.",
    )
    hold: FieldName | None = Field(
        None, description="A field that must have the same value at all steps; events that have none are not seen."
    )
    breakdown: FieldName | None = Field(None, description="A field by whose value attempts are told apart.")
    attribution: Annotated[str, StringConstraints(pattern=r"^(first|last|step:[1-9]\d?)$")] = Field(
        "first", description="Whose value: of the `first` step, of the `last` one reached, or of `step:N`."
    )


def steps_of(form: StepsForm, site: str) -> FunnelQuery:
    """What the store is asked of a site, of no time yet."""
    return FunnelQuery(
        Scope(site, 0, 0),
        tuple(Step(each.event, each.filter, each.name, each.optional) for each in form.steps),
        None if form.window == SESSION else int(form.window[:-1]) * UNIT_MS[form.window[-1]],
        form.order,
        tuple(Exclusion(each.event, each.from_step, each.to_step, each.filter) for each in form.exclusions),
        form.count,
        form.hold,
        form.breakdown,
        attribution_of(form.attribution),
    )


def attribution_of(text: str) -> int:
    """The step whose value is told; 0 for the last one reached."""
    return {"first": 1, "last": 0}[text] if ":" not in text else int(text.partition(":")[2])
