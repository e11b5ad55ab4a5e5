"""POST /api/v1/funnels/query: how many go through steps one after another; and /people: who."""

from dataclasses import replace
from time import perf_counter
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.problems import BadParameter, documented
from api.query.access import Reader
from api.query.asking import asked as answered
from api.query.bucket import begins
from api.query.funnelform import StepsForm, steps_of
from api.query.kept import kept
from api.query.page import decode, encode
from api.query.parts import Parts, With, now_ms
from api.query.scoped import Scoped, scope_of
from api.query.stats import Meta
from clickhouse.reports.funnel import (
    EDGES_S,
    MOST_STEPS,
    FunnelQuery,
    Line,
    Reached,
    Times,
)
from clickhouse.reports.funnel_answer import Fate, Person, answer, people
from clickhouse.reports.scope import PERSON, Scope

MOST_PEOPLE = 1_000
USUAL_PEOPLE = 100

router = APIRouter(tags=["funnels"], responses=documented(400, 401, 403, 404, 503, 504))


class FunnelForm(StepsForm, Scoped):
    """A funnel. The range is when attempts begin: their later steps may lie after it, within the window."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "period": "30d",
                "steps": [
                    {"event": "page_view", "filter": {"field": "path", "value": "/pricing"}},
                    {"event": "signup"},
                    {"event": "purchase"},
                ],
                "window": "14d",
                "breakdown": "country",
                "granularity": "week",
            }
        },
    )

    granularity: Literal["day", "week"] | None = Field(None, description="Also by the day or week of entry.")

    def question(self, scope: Scope) -> FunnelQuery:
        """What the store is asked; raises BadParameter for too many buckets."""
        zone = ZoneInfo(scope.timezone)
        buckets = begins(self.granularity, scope.start_ms, scope.end_ms, zone) if self.granularity else []
        return replace(steps_of(self, scope.site_id), scope=scope, begins=tuple(buckets))


class PeopleForm(FunnelForm):
    """Whom of a funnel to list."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"steps": [{"event": "signup"}, {"event": "purchase"}], "step": 1, "fate": "lost"}
        }
    )

    step: int = Field(ge=1, le=MOST_STEPS, description="The step; 1 is the first.")
    fate: Fate = Field("reached", description="Who `reached` the step, or was `lost` after it.")
    limit: int = Field(USUAL_PEOPLE, ge=1, le=MOST_PEOPLE, description="How many to list at most.")
    cursor: Annotated[str, StringConstraints(max_length=4_000)] | None = Field(
        None,
        description="Where to go on: the `next_cursor` of the page before; with a range by dates, as a period moves on.",
    )


class Bin(BaseModel):
    """A bin of a histogram, in seconds."""

    since: int = Field(description="The shortest time in it.")
    until: int | None = Field(description="The time before which it ends; null for the last.")
    count: int


class Took(BaseModel):
    """How long it took, in seconds."""

    median: float
    p90: float = Field(description="Nine of ten took no longer.")
    histogram: list[Bin] = Field(description="From the first bin that is not empty to the last.")


class StepResult(BaseModel):
    """A step. It is compared with the step before it that is not optional."""

    name: str
    count: int = Field(description="How many reached it.")
    from_first: float | None = Field(description="Their part of those of the first step, 0 to 1; null of none.")
    from_before: float | None = Field(description="Their part of those of the step before.")
    dropped: int = Field(description="How many of the step before did not reach it.")
    time_from_before: Took | None = Field(description="Null where none reached it, and at the first step.")
    time_from_first: Took | None


class Valued(BaseModel):
    """The funnel of one value of the breakdown."""

    value: str | None = Field(description="Empty where it is missing; null for all values beyond the most frequent.")
    steps: list[StepResult]


class Bucket(BaseModel):
    """The attempts that began in a day or week."""

    timestamp: int = Field(description="When it begins, ms since the epoch.")
    entered: int
    converted: int = Field(description="How many reached the last step that is not optional.")
    conversion: float | None
    counts: list[int] = Field(description="How many reached each step.")
    unfinished: int = Field(
        description="Attempts without the last step whose window has not ended: the rest may yet come."
    )


class FunnelData(BaseModel):
    """The answer's data. Times are ms since the epoch, durations seconds."""

    site_id: str
    start_date: int
    end_date: int
    timezone: str
    steps: list[StepResult]
    unfinished: int = Field(description="Attempts without the last step whose window has not ended.")
    breakdown: list[Valued] = Field(description="The most frequent values, then all others together.")
    over_time: list[Bucket]
    meta: Meta


class FunnelResponse(BaseModel):
    """The answer."""

    success: bool = True
    data: FunnelData
    timestamp: int = Field(description="When it was answered, ms since the epoch.")


class Traveller(BaseModel):
    """Who made an attempt."""

    user_id: str | None = Field(None, description="The person, where that is who is counted.")
    visitor_id: str | None = Field(None, description="The visitor, where no person is known.")
    session_id: str | None = Field(None, description="The client's own session; null for a visit told by its pauses.")
    step: int = Field(description="The furthest step reached.")
    reached: list[int | None] = Field(
        description="When each step was reached, ms since the epoch; null where it was not."
    )


class PeopleResponse(BaseModel):
    """A page of people, by who they are."""

    data: list[Traveller]
    next_cursor: str | None


@router.post("/funnels/query", summary="A funnel")
@kept()
async def query(request: Request, key: Reader, parts: With, asked: FunnelForm) -> FunnelResponse:
    """How many reach each step, how long it takes them, and where the others stop."""
    return await told_funnel(request, parts, asked, await scope_of(asked, key, parts))


async def told_funnel(request: Request, parts: Parts, asked: FunnelForm, scope: Scope) -> FunnelResponse:
    """A funnel as it is answered; of the rows of a saved one with the same steps where they can tell."""
    began = perf_counter()
    question, now = asked.question(scope), now_ms()
    found = await answered(request, parts, lambda client: answer(client, question, now))
    data = FunnelData(
        site_id=scope.site_id,
        start_date=scope.start_ms,
        end_date=scope.end_ms,
        timezone=scope.timezone,
        steps=told(question, found.whole),
        unfinished=found.whole[0].unfinished,
        breakdown=[Valued(value=value, steps=told(question, line)) for value, line in found.values],
        over_time=[_bucket(question, begin, line) for begin, line in found.buckets.items()],
        meta=Meta(source=found.source, rows_read=found.rows_read, ms=round((perf_counter() - began) * 1000, 2)),
    )
    return FunnelResponse(data=data, timestamp=now_ms())


@router.post("/funnels/people", summary="Who is in a funnel")
async def list_people(request: Request, key: Reader, parts: With, asked: PeopleForm) -> PeopleResponse:
    """Who reached a step, or was lost after it, each once."""
    after = _decoded(asked.cursor)
    question = asked.question(await scope_of(asked, key, parts))
    found = await answered(
        request, parts, lambda client: people(client, question, asked.step, asked.fate, after, asked.limit + 1)
    )
    kept = found[: asked.limit]
    following = encode(kept[-1].who.encode().hex()) if len(found) > asked.limit else None
    return PeopleResponse(data=[traveller(question, each) for each in kept], next_cursor=following)


def told(asked: FunnelQuery, line: Line) -> list[StepResult]:
    """Each step as it is answered."""
    return [_step(asked, line, number) for number in range(1, len(line) + 1)]


def _step(asked: FunnelQuery, line: Line, number: int) -> StepResult:
    step, found, before = asked.steps[number - 1], line[number - 1], line[asked.before(number) - 1]
    return StepResult(
        name=step.name or step.event or f"step {number}",
        count=found.count,
        from_first=_part(found, line[0]),
        from_before=_part(found, before),
        dropped=before.count - found.count,
        time_from_before=_took(found.since_before),
        time_from_first=_took(found.since_first),
    )


def _part(found: Reached, whole: Reached) -> float | None:
    return round(found.count / whole.count, 6) if whole.count else None


def _took(times: Times | None) -> Took | None:
    if times is None:
        return None
    first, last = EDGES_S.index(min(times.bins)), EDGES_S.index(max(times.bins))
    ends = (*EDGES_S[1:], None)
    bins = [Bin(since=EDGES_S[n], until=ends[n], count=times.bins.get(EDGES_S[n], 0)) for n in range(first, last + 1)]
    return Took(median=round(times.median, 3), p90=round(times.p90, 3), histogram=bins)


def _bucket(asked: FunnelQuery, begin: int, line: Line) -> Bucket:
    last = line[asked.before(len(line) + 1) - 1]
    return Bucket(
        timestamp=begin,
        entered=line[0].count,
        converted=last.count,
        conversion=_part(last, line[0]),
        counts=[each.count for each in line],
        unfinished=line[0].unfinished,
    )


def traveller(asked: FunnelQuery, person: Person) -> Traveller:
    """A person as it is answered."""
    reached = [ts or None for ts in person.times]
    if asked.count == "visitors" and not person.who.startswith(PERSON):
        return Traveller(visitor_id=person.who, step=person.level, reached=reached)
    kind, name = person.who[:1], person.who[1:]
    if kind == "v":
        return Traveller(visitor_id=name.partition("\0")[0], step=person.level, reached=reached)
    own = {"session_id" if kind == "s" else "user_id": name}
    return Traveller(step=person.level, reached=reached, **own)


def _decoded(cursor: str | None) -> str:
    try:
        return bytes.fromhex(decode(cursor)).decode()
    except ValueError:
        raise BadParameter("cursor", "is not one that a page gave") from None
