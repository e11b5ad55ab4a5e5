"""/lead in the app's OpenAPI document, made from its body."""

from typing import Any

import msgspec

from api.collector.lead.bodies import LeadForm, LeadKept
from api.collector.lead.form import ENCODED, IN_PARTS, PATH

EXAMPLE = {
    "name": "Ada Lovelace",
    "email": "ada@example.org",
    "message": "Please call me.",
    "form": "contact",
    "page": "https://shop.example.com/contact",
    "fields": {"company": "Analytical Engines"},
}
DESCRIPTION = """A form that somebody sent: kept, sealed, before it is answered; and the event `lead`, which holds nothing of who it is.
As JSON, or as forms encode it by themselves. The same `lead_id` again is the same lead, so that one that was not answered can be sent again."""


def schemas() -> dict[str, Any]:
    """The schemas of body and answer."""
    return msgspec.json.schema_components([LeadForm, LeadKept], ref_template="#/components/schemas/{name}")[1]


def operations(shared: dict[str, Any], problems: dict[str, Any]) -> dict[str, Any]:
    """The operation by its path; `shared` goes into it, `problems` are the answers that are none of 200."""
    body = {"schema": {"$ref": "#/components/schemas/LeadForm"}, "example": EXAMPLE}
    told = {"schema": {"$ref": "#/components/schemas/LeadKept"}}
    operation = {
        **shared,
        "summary": "Send a lead",
        "description": DESCRIPTION,
        "operationId": "send_lead",
        "tags": ["leads"],
        "requestBody": {"required": True, "content": {"application/json": body, ENCODED: body, IN_PARTS: body}},
        "responses": {
            "200": {"description": "It is durable.", "content": {"application/json": told}},
            "409": {**problems["400"], "description": "Something else was sent under this lead_id."},
            **problems,
        },
    }
    return {PATH: {"post": operation}}
