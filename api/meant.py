"""Which field was meant by one that there is not: the likeliest of those that a route takes at that place."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel

LONGEST = 100
"""A longer name is like none."""

Models = frozenset[type[BaseModel]]


def meant(request: Request, place: Sequence[Any]) -> str | None:
    """The field that may be meant by an unknown one, such as `body`, `condition`, `threshold`, `vaule`; None for none."""
    where, *parts, name = (str(part) for part in place)
    found = _taken(getattr(request.scope.get("route"), "dependant", None), where)
    for part in parts:
        found = _within(found, part)
    if len(name) > LONGEST:
        return None
    known = {each: inner for model in found for each, inner in _fields(model).items()}
    nested = [f"{outer}.{name}" for outer, inner in known.items() if any(name in _fields(each) for each in inner)]
    return next(iter(nested or get_close_matches(name, known, 1)), None)


def _taken(dependant: Dependant | None, where: str) -> Models:
    """The models that a route takes as its body, or as its query."""
    if dependant is None or where not in ("body", "query"):
        return frozenset()
    own = dependant.body_params if where == "body" else dependant.query_params
    of_others = (_taken(each, where) for each in dependant.dependencies)
    return frozenset().union(*(_models(each.field_info.annotation) for each in own), *of_others)


def _within(models: Models, part: str) -> Models:
    """The models at a part of some: a field's, else those of a union that the part names, else all, as for a place in a list."""
    of_field = [inner for model in models for name, inner in _fields(model).items() if name == part]
    if of_field:
        return frozenset().union(*of_field)
    return frozenset(model for model in models if part in _names(model)) or models


def _fields(model: type[BaseModel]) -> dict[str, Models]:
    """The fields of a model as they are called in JSON, each with the models that it takes."""
    return {field.alias or name: _models(field.annotation) for name, field in model.model_fields.items()}


def _names(model: type[BaseModel]) -> Iterable[str]:
    """What a model is called where it is one of several: its own name, or the words that tell it from the others."""
    words = (
        get_args(field.annotation) for field in model.model_fields.values() if get_origin(field.annotation) is Literal
    )
    return {model.__name__}.union(*words)


def _models(annotation: Any) -> Models:
    """The models that a type names: itself, or those of a list, a union, a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return frozenset((annotation,))
    return frozenset().union(*map(_models, get_args(annotation)))
