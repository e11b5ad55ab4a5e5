"""POST /graphql: reports in the words of GraphQL."""

from functools import cache
from typing import Annotated, Any

import orjson
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.problems import BadParameter, documented
from api.query.access import Reader

LONGEST = 20_000
SPREAD = "..."
MOST_SPREADS = 20
"""Fragments that spread fragments are looked through once for each way to them, before anything is asked."""
EXAMPLE = (
    'query { metrics(startDate: "2026-06-01", endDate: "2026-06-16") { totalEvents topEvents { eventName count } } }'
)

router = APIRouter(tags=["graphql"], responses=documented(400, 401, 403))


class GraphQuestion(BaseModel):
    """A question, with the values of its variables."""

    model_config = ConfigDict(populate_by_name=True, json_schema_extra={"example": {"query": EXAMPLE}})

    query: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)] = Field(description="The operation.")
    variables: dict[str, Any] | None = Field(None, description="The values of its variables.")
    operation_name: str | None = Field(None, alias="operationName", description="Which of several operations is meant.")


class GraphAnswer(BaseModel):
    """What was found, and what cannot be answered and why."""

    data: dict[str, Any] | None = None
    errors: list[dict[str, Any]] | None = None


@router.post("/graphql", summary="Reports as GraphQL", response_model=GraphAnswer)
async def graphql(request: Request, key: Reader, asked: GraphQuestion) -> Response:
    """Counts of events and users of a site, by event and by day, and its latest events. Each field asks the report it stands for:
    with the same key, limits and kept answers; a request asks at most 10. What is no question of this graph is answered 400.
    """
    if asked.query.count(SPREAD) > MOST_SPREADS:
        raise BadParameter("query", f"has more than {MOST_SPREADS} spreads of fragments")
    schema, asking = await to_thread.run_sync(_loaded)
    found = await schema.execute(
        asked.query, asked.variables, asking(request, key), operation_name=asked.operation_name
    )
    errors = [error.formatted for error in found.errors or ()]
    body = {"data": found.data} | ({"errors": errors} if errors else {})
    was_asked = found.data is not None or any(error.path for error in found.errors or ())
    return Response(orjson.dumps(body), 200 if was_asked else 400, media_type="application/json")


@cache
def _loaded() -> tuple[Any, Any]:
    """The graph and what asks it. Most installations never ask it, and it is a tenth of what starting takes."""
    from api.query.graphql.question import Asking
    from api.query.graphql.schema import schema

    return schema, Asking
