"""Filters: conditions on fields, joined by and, or, not; and what they are in SQL.

Values and names of properties are bound parameters; of the text itself nothing comes from who asks.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from clickhouse.reports.field import Field, Type, field_of
from pulse.errors import QueryError

Operator = Literal[
    "eq",
    "ne",
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "matches",
    "not_matches",
    "gt",
    "gte",
    "lt",
    "lte",
    "is_set",
    "is_not_set",
]
Value = str | float | bool

OPERATORS: tuple[str, ...] = get_args(Operator)
TEXTUAL = ("contains", "not_contains", "starts_with", "ends_with", "matches", "not_matches")
ORDERING: Mapping[str, str] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
PRESENCE = ("is_set", "is_not_set")
MOST_CONDITIONS = 200
MOST_VALUES = 1_000
MOST_COHORTS = 10
DEEPEST = 10
LONGEST_VALUE = 4_096


@dataclass(frozen=True)
class Condition:
    """A field compared with values; with several, one of them must fit (for `ne` and `not_…`: none)."""

    field: str
    operator: Operator
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class AllOf:
    """All of these are true; of none, too."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one of these is true."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class Not:
    """This is not true."""

    part: "Filter"


@dataclass(frozen=True)
class InCohort:
    """Whoever did it is a member of a cohort, which the statement's parameters know by its id."""

    cohort: str


Filter = Condition | AllOf | AnyOf | Not | InCohort
NOTHING = AllOf(())
"""The filter that lets everything pass."""


class Membership(Protocol):
    """What a statement knows of a cohort."""

    def sql(self, bound: "Parameters", where: str) -> str:
        """Whether whoever did an event is a member, as an expression; raises QueryError that says where it cannot be."""


class Parameters(dict[str, object]):
    """The parameters of a statement as they are collected, each under a new name; with them the `cohorts` it may name."""

    def __init__(
        self, given: Mapping[str, object] | None = None, cohorts: Mapping[str, Membership] | None = None
    ) -> None:
        super().__init__(given or {})
        self.cohorts: Mapping[str, Membership] = getattr(given, "cohorts", {}) if cohorts is None else cohorts

    def __or__(self, more: Mapping[str, object]) -> "Parameters":  # type: ignore[override]
        """The same with further ones."""
        return Parameters({**self, **more}, self.cohorts)

    def bind(self, value: object, type_: str) -> str:
        """Bind a value; what stands for it in the statement."""
        name = f"p{len(self)}"
        self[name] = value
        return f"{{{name}:{type_}}}"


def sql_of(some: Filter, bound: Parameters, where: str = "filter") -> str:
    """A filter as an expression that is 1 or 0; raises QueryError that says where it cannot be."""
    if sum(1 for _ in conditions(some)) > MOST_CONDITIONS:
        raise QueryError(f"{where}: has more than {MOST_CONDITIONS} conditions")
    if sum(1 for _ in _cohorts(some)) > MOST_COHORTS:
        raise QueryError(f"{where}: names cohorts more than {MOST_COHORTS} times")
    return _sql(some, bound, where, DEEPEST)


def conditions(some: Filter) -> Iterator[Condition]:
    """All conditions of a filter."""
    if isinstance(some, Condition):
        yield some
    elif isinstance(some, InCohort):
        return
    elif isinstance(some, Not):
        yield from conditions(some.part)
    else:
        for part in some.parts:
            yield from conditions(part)


def names_cohort(some: Filter) -> bool:
    """Whether a filter asks for membership anywhere."""
    return any(True for _ in _cohorts(some))


def _cohorts(some: Filter) -> Iterator[InCohort]:
    if isinstance(some, InCohort):
        yield some
    elif isinstance(some, Not):
        yield from _cohorts(some.part)
    elif isinstance(some, AllOf | AnyOf):
        for part in some.parts:
            yield from _cohorts(part)


def _sql(some: Filter, bound: Parameters, where: str, levels: int) -> str:
    if not levels:
        raise QueryError(f"{where}: is nested more than {DEEPEST} levels deep")
    if isinstance(some, Condition):
        return _condition(some, bound, where)
    if isinstance(some, InCohort):
        return _membership(some, bound, where)
    if isinstance(some, Not):
        return f"NOT {_sql(some.part, bound, f'{where}.not', levels - 1)}"
    word, nothing = ("and", "1") if isinstance(some, AllOf) else ("or", "0")
    parts = [_sql(part, bound, f"{where}.{word}[{n}]", levels - 1) for n, part in enumerate(some.parts)]
    return f"({f' {word.upper()} '.join(parts)})" if parts else nothing


def _membership(some: InCohort, bound: Parameters, where: str) -> str:
    cohort = bound.cohorts.get(some.cohort)
    if cohort is None:
        raise QueryError(f"{where}.cohort: there is no cohort {some.cohort!r}")
    return cohort.sql(bound, f"{where}.cohort")


def _condition(some: Condition, bound: Parameters, where: str) -> str:
    field = field_of(some.field, f"{where}.field")
    _demand_values(some, field, where)
    if some.operator in PRESENCE:
        return ("NOT " if some.operator == "is_not_set" else "") + _is_set(field, bound)
    if some.operator in ORDERING:
        number = bound.bind(some.values[0], "Float64")
        return f"ifNull({numeric(field, bound)} {ORDERING[some.operator]} {number}, 0)"
    if some.operator in TEXTUAL:
        return _textual(some, field, bound)
    found = f"({' OR '.join(_equals(field, some.values, bound))})"
    return f"NOT {found}" if some.operator == "ne" else found


def _demand_values(some: Condition, field: Field, where: str) -> None:
    if some.operator in PRESENCE:
        if some.values:
            raise QueryError(f"{where}.value: {some.operator} takes none")
        return
    if not 1 <= len(some.values) <= MOST_VALUES:
        raise QueryError(f"{where}.value: {some.operator} takes 1 to {MOST_VALUES:,} values")
    if some.operator in ORDERING:
        _demand(len(some.values) == 1 and _type_of(some.values[0]) == "number", where, "one number", some)
        _demand(field.type in ("number", "any"), where, f"a field of numbers, which {field.name} is not", some)
    elif some.operator in TEXTUAL:
        _demand(all(_type_of(value) == "text" for value in some.values), where, "text", some)
        _demand(field.type in ("text", "any"), where, f"a field of text, which {field.name} is not", some)
    else:
        for value in some.values:
            _demand(field.type in (_type_of(value), "any"), where, f"{_WORDS[field.type]} for {field.name}", some)
    if any(isinstance(value, str) and len(value) > LONGEST_VALUE for value in some.values):
        raise QueryError(f"{where}.value: is longer than {LONGEST_VALUE:,} characters")


_WORDS: Mapping[Type, str] = {"text": "text", "number": "a number", "flag": "true or false", "any": "a value"}


def _demand(is_right: bool, where: str, wanted: str, some: Condition) -> None:
    if not is_right:
        raise QueryError(f"{where}: {some.operator} takes {wanted}")


def _type_of(value: Value) -> Type:
    if isinstance(value, bool):
        return "flag"
    return "text" if isinstance(value, str) else "number"


def _equals(field: Field, values: Sequence[Value], bound: Parameters) -> Iterator[str]:
    """An expression for each type among the values."""
    ways: Mapping[Type, tuple[str, Callable[[Field, Parameters], str]]] = {
        "text": ("Array(String)", text),
        "number": ("Array(Float64)", numeric),
        "flag": ("Array(Bool)", _flag),
    }
    for type_, (array, column) in ways.items():
        own = [value for value in values if _type_of(value) == type_]
        if own:
            yield f"ifNull({column(field, bound)} IN {bound.bind(own, array)}, 0)"


def _textual(some: Condition, field: Field, bound: Parameters) -> str:
    values = bound.bind(list(some.values), "Array(String)")
    column = text(field, bound)
    tests = {
        "contains": f"arrayExists(v -> positionCaseInsensitiveUTF8({column}, v) > 0, {values})",
        "starts_with": f"arrayExists(v -> startsWith({column}, v), {values})",
        "ends_with": f"arrayExists(v -> endsWith({column}, v), {values})",
        "matches": f"multiMatchAny({column}, {values})",
    }
    negated = some.operator.startswith("not_")
    found = f"ifNull({tests[some.operator.removeprefix('not_')]}, 0)"
    return f"NOT {found}" if negated else found


def text(field: Field, bound: Parameters) -> str:
    """A field as text; a property that is none as its JSON, one that is missing or null as nothing."""
    if field.type != "any":
        return f"toString({field.name})" if field.type != "text" else field.name
    path = _path(field, bound)
    type_, whole = f"JSONType(properties, {path})", f"JSONExtractRaw(properties, {path})"
    return f"multiIf({type_} = 'String', JSONExtractString(properties, {path}), {type_} = 'Null', '', {whole})"


def numeric(field: Field, bound: Parameters) -> str:
    """A field as a number; NULL where it is none."""
    if field.type != "any":
        return f"toFloat64({field.name})"
    path = _path(field, bound)
    is_number = f"JSONType(properties, {path}) IN ('Int64', 'UInt64', 'Double')"
    return f"if({is_number}, JSONExtractFloat(properties, {path}), NULL)"


def kind(field: Field, bound: Parameters) -> str:
    """Of which type of JSON a property is, 'Null' where it is missing."""
    return f"toString(JSONType(properties, {_path(field, bound)}))"


def _flag(field: Field, bound: Parameters) -> str:
    if field.type != "any":
        return field.name
    path = _path(field, bound)
    return f"if(JSONType(properties, {path}) = 'Bool', JSONExtractBool(properties, {path}), NULL)"


def _is_set(field: Field, bound: Parameters) -> str:
    if field.type == "any":
        path = _path(field, bound)
        return f"(JSONHas(properties, {path}) AND JSONType(properties, {path}) != 'Null')"
    return f"({field.name} != '')" if field.type == "text" else f"({field.name} != 0)"


def _path(field: Field, bound: Parameters) -> str:
    return ", ".join(bound.bind(name, "String") for name in field.path)
