"""What goes wrong, as `application/problem+json` (RFC 9457): one shape for every error, of the collector too."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from logging import getLogger
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.meant import meant
from pulse.errors import Conflict, NotFound, PulseError, QueryError, TooCostly, Unavailable

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:pulse:problem:"
NAMES: Mapping[int, str] = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    500: "internal",
    503: "unavailable",
    504: "too_costly",
}
"""What a problem is named where nothing more is known than its status."""
RETRY_AFTER_S = 5
MOST_MEANT = 10
"""Of so many faults of a request it is said what was meant: a body may hold any number."""
CHALLENGE = "Bearer"
TELLS = re.compile(r"([a-z_]\w*(?:\.\w+|\[\d+\])*): (.+)", re.DOTALL)
INDEX = re.compile(r"\[(\d+)\]")
CHOICE = "literal_error"
LIST = "literal["
"""What a list of words is called in the place of what is in none of several."""

log = getLogger(__name__)


class Fault(BaseModel):
    """What is wrong with one parameter or field."""

    parameter: str = Field(description="Its name; a field of the body with dots, `settings.0`.")
    reason: str = Field(description="Why it is refused.")


class Problem(BaseModel):
    """An error as it is answered."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:pulse:problem:invalid",
                "title": "Bad Request",
                "status": 400,
                "detail": "limit: Input should be less than or equal to 200",
                "errors": [{"parameter": "limit", "reason": "Input should be less than or equal to 200"}],
            }
        }
    )

    type: str = Field(description="The kind of problem, `urn:pulse:problem:` and its name.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="What, where and why, in a sentence.")
    errors: list[Fault] = Field([], description="Each parameter that is refused.")
    id: str | None = Field(None, description="By which an internal error is found in the log.")


class Unauthenticated(PulseError):
    """No valid key was presented."""


class Forbidden(PulseError):
    """The key is valid but may not do this."""


class BadParameter(PulseError):
    """A parameter's value is refused: its name and why."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.fault = Fault(parameter=parameter, reason=reason)


STATUS: Mapping[type[PulseError], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    BadParameter: 400,
    Unavailable: 503,
    TooCostly: 504,
}

NOT_MIGRATED = {60: 503, 81: 503}
"""Codes of a ClickHouse that has not yet its tables, or not its database."""

HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"www-authenticate": CHALLENGE},
    503: {"retry-after": str(RETRY_AFTER_S)},
}


def install(app: FastAPI) -> None:
    """Have an app answer all of its errors as problems, and describe them so."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        return app.openapi_schema or _described(plain())

    app.openapi = described  # type: ignore[method-assign]
    app.add_exception_handler(PulseError, _named)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def response(
    status: int,
    detail: str,
    errors: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
    problem_id: str | None = None,
) -> Response:
    """A problem as a response."""
    faults = [fault.model_dump() for fault in errors]
    members = {} if problem_id is None else {"id": problem_id}
    body = json.dumps(shape(status, detail, errors=faults, **members)).encode()
    return Response(body, status, {**HEADERS.get(status, {}), **(headers or {})}, MEDIA_TYPE)


def shape(status: int, detail: str, name: str = "", **members: Any) -> dict[str, Any]:
    """The JSON of a problem; `name` is its kind where that is more than the status says, `members` are added."""
    kind = TYPE + (name or NAMES.get(status, "refused"))
    title = HTTPStatus(status).phrase
    return {"type": kind, "title": title, "status": status, "detail": detail, "errors": [], **members}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer, for its OpenAPI description."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI description with the problem's schema in place of FastAPI's own form of a refused parameter."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(own, None)
    found = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= found.pop("$defs", {}) | {"Problem": found}
    for operations in schema.get("paths", {}).values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    return schema


async def _named(request: Request, error: Exception) -> Response:
    assert isinstance(error, PulseError)
    status = _status(error)
    if status == 500:
        return await _unforeseen(request, error)
    if status == 503:
        log.warning("%s", error, extra={"path": request.url.path})
    return response(status, str(error), _faults(error))


def _faults(error: PulseError) -> list[Fault]:
    """What is wrong with which parameter, where an error tells of one: `steps[0].optional: …`."""
    if isinstance(error, BadParameter):
        return [error.fault]
    told = TELLS.fullmatch(str(error)) if isinstance(error, QueryError) and error.code is None else None
    return [Fault(parameter=INDEX.sub(r".\1", told[1]), reason=told[2])] if told else []


def _status(error: PulseError) -> int:
    if isinstance(error, QueryError):
        return 400 if error.code is None else NOT_MIGRATED.get(error.code, 500)
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = _chosen(error.errors())
    faults = [_fault(request, found, number < MOST_MEANT) for number, found in enumerate(told)]
    return response(400, "; ".join(f"{fault.parameter}: {fault.reason}" for fault in faults), faults)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return response(error.status_code, str(error.detail), headers=error.headers)


async def _unforeseen(request: Request, error: Exception) -> Response:
    problem_id = uuid4().hex
    log.error("a request failed unforeseen", exc_info=error, extra={"id": problem_id, "path": request.url.path})
    return response(
        500, f"this is a fault of Pulse; the log tells more under the id {problem_id}", problem_id=problem_id
    )


def _chosen(found: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The same, with what is none of several lists of words told once, of all of them."""
    told: list[Mapping[str, Any]] = []
    words: dict[tuple[Any, ...], list[str]] = {}
    for each in found:
        place = tuple(part for part in each["loc"] if not str(part).startswith(LIST))
        if each["type"] != CHOICE:
            told.append(each)
        elif place in words:
            words[place].append(each["ctx"]["expected"])
        else:
            words[place] = [each["ctx"]["expected"]]
            told.append({**each, "loc": place})
    several = {place: f"is none of {', '.join(lists)}" for place, lists in words.items() if len(lists) > 1}
    return [{**each, "msg": several.get(each["loc"], each["msg"])} for each in told]


def _fault(request: Request, found: Mapping[str, Any], is_guessed: bool) -> Fault:
    """One refused parameter: `query.limit` is told as `limit`, `body.origins.0` as `origins.0`; one that is unknown with the likeliest."""
    place = found["loc"][:1] if found["type"] == "json_invalid" else found["loc"][1:] or found["loc"]
    name = ".".join(str(part) for part in place)
    reason = str(found["msg"]).removeprefix("Value error, ")
    if is_guessed and found["type"] == "extra_forbidden" and (likely := meant(request, found["loc"])):
        reason += f"; did you mean {likely}?"
    return Fault(parameter=_text(name), reason=_text(reason))


def _text(text: str) -> str:
    """A text without halves of characters, which JSON can carry and UTF-8 cannot."""
    return text.encode(errors="replace").decode()
