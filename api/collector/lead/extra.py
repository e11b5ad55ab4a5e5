"""The other fields of a form, within their limits: which one is not is said by its name."""

from typing import Any

import msgspec

from api.collector.answer import invalid
from api.collector.lead.bodies import LONGEST_VALUE, MAX_FIELDS, FieldName, FieldValue

SHOWN = 60
"""Of a name that is told: it is whatever somebody sent."""


def demand_fields(fields: Any) -> None:
    """Raise Problem 400 naming the first of them that is one too many, too long, or not a value."""
    if not isinstance(fields, dict):
        return
    for number, (name, value) in enumerate(fields.items(), 1):
        if number > MAX_FIELDS:
            raise invalid(f"fields.{_shown(name)}", f"is one more than the {MAX_FIELDS} other fields of a form")
        _demand(name, FieldName, _shown(name), "has too long a name: of 200 characters at most")
        said = f"is no text of {LONGEST_VALUE:,} characters at most, no number up to 2^53, true, false or null"
        _demand(value, FieldValue, _shown(name), said)


def _demand(value: Any, kind: Any, name: str, said: str) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise invalid(f"fields.{name}", said) from None


def _shown(name: str) -> str:
    return name if len(name) <= SHOWN else f"{name[:SHOWN]}…"
