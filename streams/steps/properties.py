"""The event's own properties: within their limits, and as JSON text."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, MsgspecError, Raw, json

from pulse import nesting
from pulse.event import MAX_NESTING, MAX_PROPERTIES, MAX_PROPERTY_NAME, RefinedEvent
from pulse.rejection import Reason
from streams.steps.step import Arrival, Refusal

_Name = Annotated[str, Meta(max_length=MAX_PROPERTY_NAME)]
_limited = json.Decoder(Annotated[dict[_Name, Raw], Meta(max_length=MAX_PROPERTIES)])

SURELY_WITHIN = 2 * MAX_NESTING
"""So many bytes hold no long name, not many properties, and no deeper nesting: each level opens and closes."""

BRACE = ord("{")
NO_OBJECT = Refusal(Reason.invalid, "properties", "Expected `object | null`")
_TOO_MANY = f"more than {MAX_PROPERTIES} properties, or a name of more than {MAX_PROPERTY_NAME} characters"
_TOO_DEEP = f"nested more than {MAX_NESTING} levels deep"


def put_properties(event: RefinedEvent, arrival: Arrival) -> Refusal | None:
    """Properties become a string that holds their JSON, or nothing if there are none."""
    if event.properties is None:
        return None
    text = bytes(event.properties)
    if text[0] != BRACE or text == b"{}":
        event.properties = None  # type: ignore[assignment]
        return None if text in (b"null", b"{}") else NO_OBJECT
    if len(text) > SURELY_WITHIN and (refusal := beyond(text)):
        return refusal
    try:
        event.properties = text.decode()  # type: ignore[assignment]
    except UnicodeDecodeError as error:
        return Refusal(Reason.malformed, "properties", f"not text in UTF-8: {error.reason}")
    return None


def put_all_properties(events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
    """The same of many, most of which have few."""
    for event in events:
        if (sent := event.properties) is None:
            continue
        text = str(sent, "utf-8")
        if text[0] == "{" and 2 < len(text) <= SURELY_WITHIN and text.isascii():
            event.properties = text  # type: ignore[assignment]
        elif put_properties(event, arrival) is not None:
            return False
    return True


def beyond(text: bytes) -> Refusal | None:
    """Which limit an object breaks, if it does one."""
    if not _is_surely_within(text) and not _is_within(text):
        return Refusal(Reason.too_many_properties, "properties", _TOO_MANY)
    if not nesting.is_within(text, MAX_NESTING):
        return Refusal(Reason.invalid, "properties", _TOO_DEEP)
    return None


def _is_surely_within(text: bytes) -> bool:
    """Too few colons for so many properties, and too short for a long name, or no text in it is so long: true of nearly all."""
    if text.count(b":") > MAX_PROPERTIES:
        return False
    return len(text) <= MAX_PROPERTY_NAME or (b"\\" not in text and has_no_long_text(text, MAX_PROPERTY_NAME))


def has_no_long_text(text: bytes, most: int) -> bool:
    """Whether surely no text in JSON without a backslash has more than so many bytes: quotes stand closer. It goes from one to the last within reach."""
    at = 0
    while len(text) - at > most + 1:
        after = text.rfind(b'"', at + 1, at + most + 2)
        if after < 0:
            return False
        at = after
    return True


def _is_within(text: bytes) -> bool:
    try:
        _limited.decode(text)
    except UnicodeDecodeError:
        return True
    except MsgspecError:
        return False
    return True
