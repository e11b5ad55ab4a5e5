"""What forms call their fields, and what that is in the words of /lead."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from api.collector.lead.bodies import LeadForm

OWN = tuple(each.encode_name for each in structs.fields(LeadForm))
FIRST, LAST, FULL = "first name", "last name", "full name"
SECONDS = "__pg_tts"
ALSO = {
    **dict.fromkeys(("firstname", "first_name", "given_name"), FIRST),
    **dict.fromkeys(("lastname", "last_name", "family_name"), LAST),
    **dict.fromkeys(("fullname", "full_name"), FULL),
    **dict.fromkeys(("e-mail", "email_address", "mail"), "email"),
    **dict.fromkeys(("tel", "telephone", "phone_number"), "phone"),
    **dict.fromkeys(("user_message", "comment", "comments"), "message"),
    **dict.fromkeys(("form_id", "form_name"), "form"),
    **dict.fromkeys(("url", "page_url"), "page"),
    **dict.fromkeys(("__visitor_id", "_pg_vid"), "visitor_id"),
    "__session_id": "session_id",
    "event_id": "lead_id",
    "__pg_website": "__pg_hp",
}
"""Other names, in lower case, by which forms that are there already send the same."""


def in_own_words(given: Mapping[str, Any]) -> dict[str, Any]:
    """A form's fields by the names of /lead, whatever their case; what has no such name is among `fields`.

    Of several names for the same the first that is not empty counts.
    """
    told: dict[str, Any] = {}
    more: dict[str, Any] = {}
    for name, value in given.items():
        plain = name.strip().lower()
        own = plain if plain in OWN else ALSO.get(plain)
        if not _is_meant(own, value):
            own = None
        if own is None:
            more[name] = _joined(value)
        elif told.get(own) in (None, ""):
            told[own] = value
    return _named(told, more)


def _is_meant(own: str | None, value: Any) -> bool:
    """Whether a form's field of that name is the contract's: forms have boxes called `consent` too, and fields called `fields`."""
    if own == "consent":
        return value in ("granted", "denied")
    return own != "fields" or isinstance(value, dict)


def _joined(value: Any) -> Any:
    """Several values of one field as one text."""
    if not isinstance(value, list) or any(isinstance(each, dict | list) for each in value):
        return value
    return ", ".join(map(str, value))


def _named(told: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    parts = [told.pop(each, None) for each in (FULL, FIRST, LAST)]
    if not told.get("name"):
        words = [each for each in parts if isinstance(each, str) and each.strip()]
        told["name"] = " ".join(words[:1] if parts[0] else words)
    if more:
        told["fields"] = {**more, **told.get("fields", {})}
    if isinstance(told.get(SECONDS), str):
        told[SECONDS] = _number(told[SECONDS])
    return {name: value for name, value in told.items() if value is not None}


def _number(text: str) -> float | str | None:
    """The number that a form wrote as a text, None for an empty one; the text itself where it is none."""
    try:
        return float(text) if text.strip() else None
    except ValueError:
        return text
