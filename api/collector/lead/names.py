"""What forms call their fields, and what that is in the words of /lead."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import structs

from api.collector.lead.bodies import EMAIL, LeadForm

TYPES = {each.encode_name: each.type for each in structs.fields(LeadForm)}
OWN = tuple(TYPES)
FIRST, LAST, FULL = "first name", "last name", "full name"
SECONDS = "__pg_tts"
DEMANDED = ("name", "email", "phone", "message", "lead_id", "__pg_hp")
"""What is refused where it does not fit, if it is called so itself; for the rest no lead is refused."""
ALSO = {
    **dict.fromkeys(("firstname", "first_name", "given_name"), FIRST),
    **dict.fromkeys(("lastname", "last_name", "family_name"), LAST),
    **dict.fromkeys(("fullname", "full_name"), FULL),
    **dict.fromkeys(("e-mail", "email_address", "mail"), "email"),
    **dict.fromkeys(("tel", "telephone", "phone_number"), "phone"),
    **dict.fromkeys(("user_message", "comment", "comments"), "message"),
    **dict.fromkeys(("form_id", "form_name"), "form"),
    "page_url": "page",
    **dict.fromkeys(("__visitor_id", "_pg_vid"), "visitor_id"),
    "__session_id": "session_id",
    "event_id": "lead_id",
    "__pg_website": "__pg_hp",
}
"""Other names, in lower case, by which forms that are there already send the same."""


def in_own_words(given: Mapping[str, Any]) -> dict[str, Any]:
    """A form's fields by the names of /lead, whatever their case; what has no such name is among `fields`.

    An own name counts before others for the same, and of several the first that is not empty. What finds its place
    taken, or does not fit there, stays a field of the form: nothing is lost.
    """
    values = {name: _joined(value) for name, value in given.items()}
    places = _one_name(_places(values), values)
    told = {own: values[name] for own, name in places.items()}
    more = {
        name: value
        for name, value in values.items()
        if name not in places.values() and not (_is_known(name) and is_empty(value))
    }
    return _named(told, more)


def together(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Fields by their names; of several by one name all that say something, as one text."""
    found: dict[str, Any] = {}
    for name, value in fields:
        known = found.get(name)
        found[name] = value if is_empty(known) else known if is_empty(value) else f"{known}, {value}"
    return found


def is_empty(value: Any) -> bool:
    """Whether a field says nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


def _is_known(name: str) -> bool:
    plain = name.strip().lower()
    return plain in OWN or plain in ALSO


def _places(values: Mapping[str, Any]) -> dict[str, str]:
    """Which field stands for what of the contract."""
    places: dict[str, str] = {}
    for own_names in (True, False):
        for name, value in values.items():
            plain = name.strip().lower()
            own = (plain if plain in OWN else None) if own_names else ALSO.get(plain)
            is_free = own is not None and (own not in places or is_empty(values[places[own]]))
            if own is not None and is_free and _is_meant(own, value, own_names):
                places[own] = name
    return places


def _is_meant(own: str, value: Any, is_own_name: bool) -> bool:
    """Whether a field of that name is the contract's: forms have boxes called `consent` too, and fields called `fields`."""
    if own == "consent":
        return value in ("granted", "denied")
    if own == "fields":
        return isinstance(value, dict)
    if own in (FIRST, LAST, FULL):
        return isinstance(value, str)
    if is_own_name and own in DEMANDED:
        return True
    return _fits(own, value)


def _fits(own: str, value: Any) -> bool:
    try:
        msgspec.convert(value, TYPES[own], strict=own != SECONDS)
    except msgspec.ValidationError:
        return False
    return own != "email" or EMAIL.fullmatch(value.strip()) is not None


def _one_name(places: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, str]:
    """The same with one way to say who it is: the name, or it in full, or its parts."""
    told = {own for own, name in places.items() if not is_empty(values[name])}
    unused = (FULL, FIRST, LAST) if "name" in told else (FIRST, LAST) if FULL in told else ()
    return {own: name for own, name in places.items() if own not in unused}


def _joined(value: Any) -> Any:
    """Several values of one field as one text, each once."""
    if not isinstance(value, list) or any(isinstance(each, dict | list) for each in value):
        return value
    return ", ".join(dict.fromkeys(str(each) for each in value if not is_empty(each)))


def _named(told: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    parts = [told.pop(each, "") for each in (FULL, FIRST, LAST)]
    words = [each for each in parts if each.strip()]
    if words:
        told["name"] = " ".join(words)
    own = {name: _joined(value) for name, value in told.get("fields", {}).items()}
    if more or own:
        told["fields"] = together([*more.items(), *own.items()])
    if SECONDS in told:
        told[SECONDS] = msgspec.convert(told[SECONDS], TYPES[SECONDS], strict=False)
    return {name: value for name, value in told.items() if value is not None}
