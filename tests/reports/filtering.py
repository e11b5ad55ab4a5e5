"""Whether an event passes a filter, by hand."""

import operator as operators
import re
from typing import Any

from clickhouse.reports.filter import AllOf, AnyOf, Condition, Filter, InCohort, Not
from tests.reports.events import Event

ORDER = {"gt": operators.gt, "gte": operators.ge, "lt": operators.lt, "lte": operators.le}


def passes(event: Event, some: Filter) -> bool:
    """Whether it does."""
    match some:
        case AllOf(parts):
            return all(passes(event, part) for part in parts)
        case AnyOf(parts):
            return any(passes(event, part) for part in parts)
        case Not(part):
            return not passes(event, part)
        case InCohort(name):
            raise NotImplementedError(f"who is in {name} is told of many events, not of one")
        case Condition():
            return _fits(_value(event, some.field), some)


def _value(event: Event, field: str) -> Any:
    name = field.removeprefix("properties.")
    return getattr(event, field) if name == field else event.property(name)


def _fits(value: Any, some: Condition) -> bool:
    if some.operator == "is_set":
        return value not in (None, "", 0, False) if "properties." not in some.field else value is not None
    if some.operator == "is_not_set":
        return not _fits(value, Condition(some.field, "is_set"))
    if some.operator == "ne":
        return not _fits(value, Condition(some.field, "eq", some.values))
    if some.operator.startswith("not_"):
        return not _fits(value, Condition(some.field, some.operator.removeprefix("not_"), some.values))  # type: ignore[arg-type]
    return any(_fits_one(value, some.operator, wanted) for wanted in some.values)


def _fits_one(value: Any, operator: str, wanted: Any) -> bool:
    if operator in ORDER:
        return _is_number(value) and bool(ORDER[operator](value, wanted))
    if operator == "eq" and not isinstance(wanted, str):
        return (
            not isinstance(value, str) and isinstance(value, bool) is isinstance(wanted, bool) and bool(value == wanted)
        )
    text = _text(value)
    found: dict[str, bool] = {
        "eq": text == wanted,
        "contains": wanted.lower() in text.lower(),
        "starts_with": text.startswith(wanted),
        "ends_with": text.endswith(wanted),
        "matches": operator == "matches" and re.search(wanted, text) is not None,
    }
    return found[operator]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def text_of(event: Event, field: str) -> str:
    """The value of a field as a breakdown tells it."""
    return _text(_value(event, field))
