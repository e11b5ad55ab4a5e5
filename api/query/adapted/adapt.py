"""What a route of another form does: ask the reports it stands for, as whoever asks, and tell what they found in its own words."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import orjson
from fastapi import Request, Response
from pydantic import BaseModel, Field

from api.problems import BadParameter
from api.query.inner import asked_within
from api.query.params import Narrowed
from api.query.parts import now_ms

Data = TypeVar("Data")


class Adapted(BaseModel, Generic[Data]):
    """The answer."""

    success: bool = True
    data: Data
    timestamp: int = Field(description="When it was answered, ms since the epoch.")


class Ask(NamedTuple):
    """A question to a route under /api/v1: in the body of a POST, in the parameters of a GET."""

    method: Literal["GET", "POST"]
    path: str
    question: dict[str, Any]


async def adapted(
    request: Request, asks: Sequence[Ask], told: Callable[..., BaseModel], names: Mapping[str, str] | None = None
) -> Response:
    """What some routes answer, in another form; where one refuses, its refusal.

    `names` are those of its parameters, by what the asked routes call them. Raises BadParameter for one of them.
    """
    answers = await asyncio.gather(
        *(asked_within(request, ask.method, f"/api/v1{ask.path}", ask.question) for ask in asks)
    )
    for answer in answers:
        if answer.status_code >= 400:
            return _refused(answer, names or {})
    data = told(*(orjson.loads(answer.body) for answer in answers))
    body = Adapted[Any](data=data, timestamp=now_ms()).model_dump_json(by_alias=True)
    return Response(body, media_type="application/json", headers=_cached(answers))


def parameters(asked: Narrowed) -> dict[str, Any]:
    """What was asked, as the parameters of a GET."""
    return asked.model_dump(exclude_none=True)


def body(asked: Narrowed, **more: Any) -> dict[str, Any]:
    """What was asked of which events, as the body of a POST, with what else is to be asked. Raises as `Narrowed.scoped`."""
    return asked.scoped().model_dump(exclude_none=True) | more


def day(ms: int, timezone: str) -> str:
    """The local date of a moment."""
    return datetime.fromtimestamp(ms / 1000, ZoneInfo(timezone)).date().isoformat()


def _refused(answer: Response, names: Mapping[str, str]) -> Response:
    faults = orjson.loads(answer.body).get("errors") or []
    if answer.status_code == 400 and faults and faults[0]["parameter"] in names:
        reason = re.sub(r"\w+", lambda word: names.get(word[0], word[0]), faults[0]["reason"])
        raise BadParameter(names[faults[0]["parameter"]], reason)
    return answer


def _cached(answers: Sequence[Response]) -> dict[str, str]:
    """Kept where all were, of those that are kept at all."""
    found = [answer.headers["x-cache"] for answer in answers if "x-cache" in answer.headers]
    if not found:
        return {}
    return {"X-Cache": found[0] if len(set(found)) == 1 else "miss"}
