"""The paths of /track/… in the app's OpenAPI document, made from their bodies."""

from typing import Any

import msgspec

from api.collector.track.bodies import MAX_BATCH, Ended, Happening, SessionEnd, SessionStart, Started, Stored

START = {
    "fingerprint_id": "9f86d081884c7d65",
    "page": "https://shop.example.com/pricing",
    "referrer": "https://search.example/",
    "device_info": {"language": "de-AT", "platform": "Linux x86_64", "hardware_concurrency": 8},
    "screen": {"width": 1920, "height": 1080},
}
CLICK = {
    "session_id": "0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee",
    "visitor_id": "v-1842",
    "event_type": "click",
    "page": "/pricing",
    "x": 310,
    "y": 42,
    "element": "button#buy",
}
END = {"session_id": CLICK["session_id"], "visitor_id": CLICK["visitor_id"], "exit_page": "/thanks"}

BATCH = {
    "type": "object",
    "required": ["events"],
    "properties": {
        "events": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Happening"},
            "minItems": 1,
            "maxItems": MAX_BATCH,
        },
        "session_id": {"type": "string", "description": "Of the events that name none."},
        "visitor_id": {"type": "string", "description": "Of the events that name none."},
    },
}

ROUTES: dict[str, tuple[str, str, dict[str, Any], str, str, Any]] = {
    "/track/session/start": (
        "Begin a session",
        "Becomes the event `session_start`. Names the session and, where the body does not, the visitor.",
        {"$ref": "#/components/schemas/SessionStart"},
        "Started",
        "session_start",
        START,
    ),
    "/track/event": (
        "Send an event of a session",
        "`event_type` becomes the event's name; what the contract has no field for goes into its properties.",
        {"$ref": "#/components/schemas/Happening"},
        "Stored",
        "session_event",
        CLICK,
    ),
    "/track/events/batch": (
        "Send events of a session",
        f"At most {MAX_BATCH} events; also a bare array. Bad events are named in `refused` and do not keep back the others.",
        BATCH,
        "Answer",
        "session_events",
        {"session_id": CLICK["session_id"], "events": [{"event_type": "scroll", "scroll_percent": 75}]},
    ),
    "/track/session/end": (
        "End a session",
        "Becomes the event `session_end`.",
        {"$ref": "#/components/schemas/SessionEnd"},
        "Ended",
        "session_end",
        END,
    ),
}
"""By path: summary, description, the body's schema, the answer's, the operation's id and an example."""


def schemas() -> dict[str, Any]:
    """The schemas of bodies and answers."""
    kinds = [SessionStart, Happening, SessionEnd, Started, Stored, Ended]
    return msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")[1]


def operations(shared: dict[str, Any], problems: dict[str, Any]) -> dict[str, Any]:
    """The operations by path; `shared` goes into each of them, `problems` are the answers that are none of 200."""
    return {path: {"post": {**shared, **_operation(*route, problems)}} for path, route in ROUTES.items()}


def _operation(
    summary: str, description: str, body: dict[str, Any], told: str, name: str, example: Any, problems: dict[str, Any]
) -> dict[str, Any]:
    content = {"schema": {"$ref": f"#/components/schemas/{told}"}}
    return {
        "summary": summary,
        "description": description,
        "operationId": name,
        "tags": ["track"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body, "example": example}}},
        "responses": {
            "200": {"description": "It is durable.", "content": {"application/json": content}},
            **problems,
        },
    }
