"""Filters as clients send them: `{"field": "country", "op": "eq", "value": "AT"}`, joined by `and`, `or`, `not`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from clickhouse.reports.filter import DEEPEST, NOTHING, OPERATORS, AllOf, AnyOf, Condition, Filter, InCohort, Not, Value

JOINED: Mapping[str, type[AllOf] | type[AnyOf]] = {"and": AllOf, "or": AnyOf}

LARGEST = 1e300

EXAMPLE: dict[str, Any] = {
    "and": [
        {"field": "country", "op": "eq", "value": ["AT", "DE"]},
        {"not": {"field": "path", "op": "starts_with", "value": "/admin"}},
        {"field": "properties.price", "op": "gte", "value": 10},
    ]
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": (
        "A condition `{field, op, value}`, or `{and: […]}`, `{or: […]}`, `{not: …}` of such, or `{cohort: ID}`: whoever did it is a member. Fields are the event's columns and"
        f" `properties.NAME`; `op` is one of {', '.join(OPERATORS)}; `value` is one value or a list, of which one must fit."
    ),
    "example": EXAMPLE,
}


def filter_of(raw: object, where: str = "filter", levels: int = DEEPEST) -> Filter:
    """A filter from its JSON; raises ValueError that says where it is none."""
    if not isinstance(raw, Mapping):
        raise ValueError(f"{where}: must be an object such as {{field, op, value}}")
    if not levels:
        raise ValueError(f"{where}: is nested more than {DEEPEST} levels deep")
    keys = set(raw)
    if not keys:
        return NOTHING
    for word, joined in JOINED.items():
        if keys == {word}:
            return joined(_parts(raw[word], f"{where}.{word}", levels))
    if keys == {"cohort"}:
        return InCohort(_cohort(raw["cohort"], f"{where}.cohort"))
    if keys == {"not"}:
        return Not(filter_of(raw["not"], f"{where}.not", levels - 1))
    return _condition(raw, where)


def _parts(raw: object, where: str, levels: int) -> tuple[Filter, ...]:
    if not isinstance(raw, list):
        raise ValueError(f"{where}: must be a list of filters")
    return tuple(filter_of(part, f"{where}[{n}]", levels - 1) for n, part in enumerate(raw))


def _cohort(raw: object, where: str) -> str:
    if not isinstance(raw, str) or len(raw) > 64:
        raise ValueError(f"{where}: must be the id of a cohort")
    return _text(raw, where)


def _condition(raw: Mapping[Any, Any], where: str) -> Condition:
    unknown = sorted(map(str, set(raw) - {"field", "op", "value"}))
    if unknown:
        raise ValueError(
            f"{where}: has {', '.join(unknown)}; a condition has field, op and value, or is one of and, or, not"
        )
    field, operator = raw.get("field"), raw.get("op", "eq")
    if not isinstance(field, str):
        raise ValueError(f"{where}.field: must be the name of a field")
    _text(field, f"{where}.field")
    if operator not in OPERATORS:
        raise ValueError(f"{where}.op: must be one of {', '.join(OPERATORS)}")
    return Condition(field, operator, _values(raw.get("value", []), f"{where}.value"))


def _values(raw: object, where: str) -> tuple[Value, ...]:
    some: Sequence[object] = raw if isinstance(raw, list) else [raw]
    return tuple(_value(value, where) for value in some)


def _value(value: object, where: str) -> Value:
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) <= LARGEST:
        return float(value)
    raise ValueError(f"{where}: must be text, a number of at most {LARGEST:g}, true or false, or a list of such")


def _text(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{where}: is no text: it holds half of a character") from None
    return value


def form_of(some: Filter) -> dict[str, Any]:
    """The JSON of a filter."""
    if some == NOTHING:
        return {}
    if isinstance(some, Condition):
        return {"field": some.field, "op": some.operator, "value": list(some.values)}
    if isinstance(some, InCohort):
        return {"cohort": some.cohort}
    if isinstance(some, Not):
        return {"not": form_of(some.part)}
    return {"and" if isinstance(some, AllOf) else "or": [form_of(part) for part in some.parts]}


FilterForm = Annotated[Filter, PlainValidator(filter_of), PlainSerializer(form_of), WithJsonSchema(SCHEMA)]
"""A filter in a body."""
