"""GET /api/v1/attribution and POST /api/v1/attribution/query: conversions and revenue, credited to where people came from."""

from time import perf_counter
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.problems import BadParameter, documented
from api.query.access import Reader
from api.query.asking import asked as answered
from api.query.kept import kept
from api.query.params import Ranged
from api.query.parts import Parts, With
from api.query.query import encode
from api.query.reports import Meta
from api.query.scoped import Scoped, scope_of
from api.query.span import UNIT_MS, length
from api.query.word import Period
from clickhouse.reports import attribution
from clickhouse.reports.attribution import Attribution, AttributionQuery, Credit, Model, People
from clickhouse.reports.scope import Scope

router = APIRouter(tags=["reports"], responses=documented(400, 401, 403, 404, 503, 504))

LONGEST_DAYS = 365
EXAMPLE: dict[str, Any] = {"period": "30d", "goal": "purchase", "model": "linear", "by": "channel"}

By = Literal[
    "channel",
    "source",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "referrer_host",
    "referrer",
    "path",
]


class Attributed(BaseModel):
    """What is credited to what, and how."""

    goal: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="The name of the events that are conversions; those of them that pass the filter count."
    )
    model: Model = Field("last", description="Which touches get the credit.")
    by: By = Field(
        "channel",
        description="What tells touches apart; `source` is `utm_source`, else `referrer_host`; `path` is where the session began.",
    )
    lookback: Period = Field(
        "30d", description=f"How long before a conversion a touch may lie; {LONGEST_DAYS}d at most."
    )
    unit: People = Field("visitors", description="Whose sessions are touches of a conversion.")
    limit: int = Field(100, ge=1, le=10_000, description="How many values stand alone.")

    def question(self, scope: Scope) -> AttributionQuery:
        """What the store is asked; raises BadParameter for a lookback that is too long."""
        if length(self.lookback) > LONGEST_DAYS * UNIT_MS["d"]:
            raise BadParameter("lookback", f"is longer than {LONGEST_DAYS}d")
        return AttributionQuery(scope, self.goal, self.model, self.by, length(self.lookback), self.unit, self.limit)


class AttributedRange(Ranged, Attributed):
    """The question as parameters."""


class AttributedBody(Scoped, Attributed):
    """The question as a body."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})


class CreditRow(BaseModel):
    """What is credited to a value, or to all of them."""

    name: str = Field(description="Empty for unknown.", examples=["organic search"])
    credit: float = Field(description="Conversions, in parts: exact to a billionth.")
    share: float | None = Field(description="The same, of all conversions; null without any.")
    conversions: int = Field(description="Conversions of which it has a part.")
    revenue: dict[str, float] = Field(description="By currency, exact to a ten-thousandth.", examples=[{"EUR": 12.5}])
    touches: float | None = Field(description="Mean number of touches of these conversions.")
    days: float | None = Field(description="Mean time from their first touch to them, in days.")
    days_median: float | None


class OthersRow(BaseModel):
    """What is credited to the values that do not stand alone."""

    credit: float
    revenue: dict[str, float]


class AttributionResponse(BaseModel):
    """The values with the most credit. Their credit and that of the others are together the number of conversions."""

    credits: list[CreditRow]
    others: OthersRow
    total: CreditRow
    count: int = Field(description="How many values there are, told or not.")
    meta: Meta


@router.get("/attribution", summary="What conversions are owed to", response_model=AttributionResponse)
@kept()
async def attribution_report(
    request: Request, key: Reader, parts: With, asked: Annotated[AttributedRange, Query()]
) -> Response:
    """Conversions and revenue by where the sessions before them came from, by one of six models."""
    return await _answered(request, parts, asked.question(await scope_of(asked.scoped(), key, parts)))


@router.post("/attribution/query", summary="What conversions are owed to", response_model=AttributionResponse)
@kept()
async def query(request: Request, key: Reader, parts: With, asked: AttributedBody) -> Response:
    """The same, with the filter as an object."""
    return await _answered(request, parts, asked.question(await scope_of(asked, key, parts)))


async def _answered(request: Request, parts: Parts, question: AttributionQuery) -> Response:
    began = perf_counter()
    found = await answered(request, parts, lambda client: attribution.answer(client, question))
    ms = round((perf_counter() - began) * 1000, 2)
    told = {
        "credits": [_row(each, found.total) for each in found.credits],
        "others": _others(found),
        "total": _row(found.total, found.total),
        "count": found.count,
        "meta": {"source": found.source, "rows_read": found.rows_read, "ms": ms},
    }
    return Response(encode(told), media_type="application/json")


def _row(credit: Credit, total: Credit) -> dict[str, Any]:
    return vars(credit) | {"share": float(credit.credit / total.credit) if total.credit else None}


def _others(found: Attribution) -> dict[str, Any]:
    rest = {
        currency: money - sum(each.revenue.get(currency, 0) for each in found.credits)
        for currency, money in found.total.revenue.items()
    }
    return {
        "credit": found.total.credit - sum(each.credit for each in found.credits),
        "revenue": {currency: money for currency, money in rest.items() if money},
    }
