"""POST /api/v1/journeys/query: the steps that people take one after another."""

from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.problems import BadParameter, documented
from api.query.access import Reader
from api.query.asking import asked as answered
from api.query.kept import kept
from api.query.parts import With, now_ms
from api.query.scoped import Scoped, scope_of
from api.query.span import length
from api.query.stats import Meta
from api.query.word import Period
from clickhouse.reports import journeys
from clickhouse.reports.journeys import LONGEST, SHORTEST, JourneysQuery
from clickhouse.reports.scope import Scope, Unit

router = APIRouter(tags=["reports"], responses=documented(400, 401, 403, 404, 503, 504))

MOST_VALUES = 50
EXAMPLE: dict[str, Any] = {"period": "7d", "step": "path", "from": "/pricing", "length": 4, "limit": 5}

Value = Annotated[str, StringConstraints(min_length=1, max_length=4_096)]


class JourneysAsked(Scoped):
    """The question. With `from` journeys begin there, with `to` they end there, with both they lie between."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, json_schema_extra={"example": EXAMPLE})

    step: Annotated[str, StringConstraints(max_length=1_000)] = Field(
        "event", description="The field whose values are the steps: `event`, `path`, `properties.NAME`, …."
    )
    begin: Value | None = Field(None, alias="from", description="The first step; the first of all if both are missing.")
    end: Value | None = Field(None, alias="to", description="The last step.")
    length: int = Field(5, ge=SHORTEST, le=LONGEST, description="How many steps are told at most, the first included.")
    unit: Unit = Field("sessions", description="Of whom there is one journey each.")
    window: Period | None = Field(
        None,
        description="How long after the first step, or with `to` alone before the last, others may lie: `30m`, `7d`.",
    )
    collapse: bool = Field(True, description="Whether a step that is repeated at once counts once.")
    limit: int = Field(10, ge=1, le=MOST_VALUES, description="How many values of each level stand alone.")

    def question(self, scope: Scope) -> JourneysQuery:
        """What the store is asked; raises BadParameter for an end that is the beginning of journeys without any other step."""
        if self.begin is not None and self.begin == self.end and self.collapse and self.length == SHORTEST:
            raise BadParameter("to", "is `from`, which cannot follow itself where repetitions are left out")
        return JourneysQuery(
            scope=scope,
            step=self.step,
            begin=self.begin,
            end=self.end,
            length=self.length,
            unit=self.unit,
            window_ms=length(self.window) if self.window else 0,
            is_collapsed=self.collapse,
            limit=self.limit,
        )


class JourneyLevel(BaseModel):
    """All journeys with a step at a level."""

    level: int = Field(description="0 is the first step; with `to` alone the last one, -1 the step before it.")
    journeys: int
    ended: int = Field(description="Journeys without a further step: with `to` alone, without one before.")
    went_on: int = Field(description="Journeys that go on beyond the steps that are told.")
    values: int = Field(description="How many different steps there are.")


class JourneyNode(BaseModel):
    """A step at a level."""

    level: int
    value: str | None = Field(description="The step; null for all that do not stand alone.")
    journeys: int
    ended: int
    went_on: int


class JourneyLink(BaseModel):
    """From a step at a level to one at the next; null for all that do not stand alone."""

    level: int = Field(description="That of the source.")
    source: str | None
    target: str | None
    journeys: int


class JourneysData(BaseModel):
    """The answer's data. Times are ms since the epoch."""

    site_id: str
    start_date: int
    end_date: int
    timezone: str
    step: str
    unit: Unit
    begun: int = Field(description="How many journeys began; with `to` alone, ended there.")
    journeys: int = Field(description="How many are told: with `from` and `to`, those that reach the end in time.")
    levels: list[JourneyLevel] = Field(description="From level 0 on.")
    nodes: list[JourneyNode] = Field(description="By level from 0 on, the most frequent first, the others last.")
    links: list[JourneyLink]
    meta: Meta


class JourneysResponse(BaseModel):
    """The answer."""

    success: bool = True
    data: JourneysData
    timestamp: int = Field(description="When it was answered, ms since the epoch.")


@router.post("/journeys/query", summary="The steps that people take")
@kept()
async def query(request: Request, key: Reader, parts: With, asked: JourneysAsked) -> JourneysResponse:
    """The steps of sessions, users or visitors one after another, as the nodes and links of a Sankey diagram, and where they end."""
    began = perf_counter()
    question = asked.question(await scope_of(asked, key, parts))
    found = await answered(request, parts, lambda client: journeys.answer(client, question))
    data = JourneysData(
        site_id=question.scope.site_id,
        start_date=question.scope.start_ms,
        end_date=question.scope.end_ms,
        timezone=question.scope.timezone,
        step=asked.step,
        unit=asked.unit,
        begun=found.begun,
        journeys=found.journeys,
        levels=[JourneyLevel(**vars(each)) for each in found.levels],
        nodes=[JourneyNode(**vars(each)) for each in found.nodes],
        links=[JourneyLink(**vars(each)) for each in found.links],
        meta=Meta(source=found.source, rows_read=found.rows_read, ms=round((perf_counter() - began) * 1000, 2)),
    )
    return JourneysResponse(data=data, timestamp=now_ms())
