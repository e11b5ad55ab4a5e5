"""Of which site, time and events a field of the graph is: the arguments by which fields are told, which they share."""

from typing import Annotated, Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.scalars import JSON
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from api.query.graphql.question import Place

Organisation = Annotated[str | None, strawberry.argument(description="The key's own; may be left out.")]
Site = Annotated[
    str | None, strawberry.argument(description="The site; may be left out where the key is bound to one.")
]
Since = Annotated[str | None, strawberry.argument(description="The first moment: a date, an ISO 8601 time, or ms.")]
Until = Annotated[str | None, strawberry.argument(description="The moment after the last; a date is in whole.")]
Name = Annotated[str | None, strawberry.argument(description="Only events of this name.")]
Filters = Annotated[JSON | None, strawberry.argument(description="A filter as of `POST /api/v1/query`.")]

OF_SITE = ("org_id", "project_id")
OF_TIME = (*OF_SITE, "start_date", "end_date", "filters")
OF_EVENT = (*OF_TIME, "event_name")


def place_of(
    org_id: Organisation = None,
    project_id: Site = None,
    start_date: Since = None,
    end_date: Until = None,
    event_name: Name = None,
    filters: Filters = None,
) -> Place:
    """What is meant by the arguments, in the order in which the graph shows them."""
    return Place(org_id, project_id, start_date, end_date, _named(event_name, filters))


class Placed(FieldExtension):
    """Gives a field those arguments of `place_of` that are named, and its resolver what they mean, as `place`."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def apply(self, field: StrawberryField) -> None:
        """Before the arguments that are the field's own."""
        shared = [each for each in StrawberryResolver(place_of).arguments if each.python_name in self._names]
        field.arguments = [*shared, *(each for each in field.arguments if each.python_name != "place")]

    def map_arguments(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """What the resolver is given."""
        own = {name: value for name, value in kwargs.items() if name not in self._names}
        return own | {"place": place_of(**{name: kwargs[name] for name in self._names if name in kwargs})}


def _named(event_name: str | None, filters: Any) -> Any:
    if event_name is None:
        return filters
    named = {"field": "event", "value": event_name}
    return named if filters is None else {"and": [named, filters]}
