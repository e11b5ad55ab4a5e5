"""The routes that take events in the app's OpenAPI document: made from the contract, as FastAPI does not see them."""

from typing import Any

import msgspec

from api.collector.answer import Answer
from api.collector.lead import openapi as lead
from api.collector.track import openapi as track
from pulse.event import MAX_EVENTS_PER_REQUEST, Event
from pulse.rejection import Reason

PAGE_VIEW = {
    "event": "page_view",
    "event_id": "0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee",
    "visitor_id": "v-1842",
    "url": "https://shop.example.com/pricing?utm_source=newsletter",
    "properties": {"plan": "pro"},
}
PURCHASE = {"event": "purchase", "visitor_id": "v-1842", "revenue": 49.9, "currency": "EUR", "ts": 1763640000000}
REFUSED = {
    "index": 1,
    "id": None,
    "field": "event",
    "reason": "invalid",
    "detail": "Object missing required field `event`",
}

DESCRIPTION = f"""One event, an array, `{{"events": […], "sent_at": …}}` or NDJSON; plain, gzip or zstd; at most
{MAX_EVENTS_PER_REQUEST:,} events and 20 MB after decompression.

202 means that every accepted event is durable: the log has it on all replicas that are in step, or, while that is away, the collector
on its disk. Bad events are named in `refused` by their index and
do not keep back the others. After 429 or 503, or no answer, send the request again with the same event ids: what had arrived,
or arrives yet, counts once. Events without an id get a new one each time, and may count twice.

An `events:write` key goes into `Authorization: Bearer` or `X-API-Key`. A public site key is taken from pages of its allowed
origins alone, and also as `?api_key=`, for `navigator.sendBeacon`.

A request with the header `Pulse-Lane: slow` yields to others: its events are as durable, and come when there is nothing
more urgent. So do, unasked, those of visitors and sites that flood, and what an importing key sends of more than an hour ago.
"""

PROBLEMS = {
    "400": "No event is good, there is none, or the body is not JSON.",
    "401": "No key, or one that is unknown, revoked or expired.",
    "403": "The key may not write, belongs to no site, or may not be used from this origin.",
    "408": "The body did not arrive in time.",
    "413": "More than 20 MB or 2,000 events.",
    "415": "A content type or encoding that is not taken.",
    "429": "The key sends more than it may, or what is behind must catch up: come again after Retry-After seconds.",
    "431": "Headers of more than 32 kB.",
    "503": "Neither log nor spool takes events, or too much waits for them: come again after Retry-After seconds.",
}

SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}, {"address": []}]

PROBLEM = {
    "allOf": [{"$ref": "#/components/schemas/Problem"}],
    "properties": {
        "accepted": {"type": "integer", "description": "0, where every event was refused."},
        "refused": {"type": "array", "items": {"$ref": "#/components/schemas/RefusedEvent"}},
    },
}


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document with POST /v1/events, /track/… and /lead in it."""
    _, parts = msgspec.json.schema_components([Event, Answer], ref_template="#/components/schemas/{name}")
    parts["RefusedEvent"]["properties"]["reason"]["enum"] = [reason.value for reason in Reason]
    components = schema.setdefault("components", {})
    own = {**parts, **track.schemas(), **lead.schemas(), "EventsProblem": PROBLEM}
    components["schemas"] = {**components.get("schemas", {}), **own}
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "address": {"type": "apiKey", "in": "query", "name": "api_key", "description": "Public site keys only."},
    }
    schema["paths"]["/v1/events"] = {"post": _operation()}
    for part in (track, lead):
        schema["paths"] |= part.operations({"security": SECURITY}, _problems())
    return schema


def _problems() -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/EventsProblem"}}}
    return {status: {"description": said, "content": problem} for status, said in PROBLEMS.items()}


def _operation() -> dict[str, Any]:
    return {
        "summary": "Send events",
        "description": DESCRIPTION,
        "operationId": "send_events",
        "tags": ["events"],
        "security": SECURITY,
        "requestBody": {"required": True, "content": _bodies()},
        "responses": {
            "202": {"description": "The accepted events are durable.", "content": {"application/json": _answer()}},
            **_problems(),
        },
    }


def _bodies() -> dict[str, Any]:
    event = {"$ref": "#/components/schemas/Event"}
    many = {"type": "array", "items": event, "minItems": 1, "maxItems": MAX_EVENTS_PER_REQUEST}
    envelope = {
        "type": "object",
        "required": ["events"],
        "properties": {"events": many, "sent_at": {"description": "When the client sent it, by its own clock."}},
    }
    examples = {
        "one": {"summary": "One event", "value": PAGE_VIEW},
        "several": {"summary": "Several", "value": [PAGE_VIEW, PURCHASE]},
        "envelope": {"summary": "With the client's clock", "value": {"events": [PURCHASE], "sent_at": 1763640000250}},
    }
    lines = "".join(msgspec.json.encode(each).decode() + "\n" for each in (PAGE_VIEW, PURCHASE))
    return {
        "application/json": {"schema": {"oneOf": [event, many, envelope]}, "examples": examples},
        "application/x-ndjson": {"schema": {"type": "string"}, "examples": {"lines": {"value": lines}}},
    }


def _answer() -> dict[str, Any]:
    return {
        "schema": {"$ref": "#/components/schemas/Answer"},
        "examples": {
            "all": {"summary": "All are good", "value": {"accepted": 2, "refused": []}},
            "some": {"summary": "One is not", "value": {"accepted": 1, "refused": [REFUSED]}},
        },
    }
