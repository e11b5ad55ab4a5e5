"""Lists in pages: the same parameters and the same form everywhere."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from api.problems import BadParameter

MOST = 200
USUAL = 50

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many to list at most.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="Where to go on: the `next_cursor` of the page before.")
]


class Page(BaseModel, Generic[Item]):
    """A part of a list. `next_cursor` asks for the next part; it is null on the last."""

    data: list[Item]
    next_cursor: str | None = Field(None, examples=["bWFpbg"])


def page_of(found: Sequence[Item], limit: int, place: Callable[[Item], str]) -> Page[Item]:
    """A page out of up to `limit` + 1 items: one too many tells that there is a next page, after the `place` of its last."""
    kept = list(found[:limit])
    return Page(data=kept, next_cursor=encode(place(kept[-1])) if len(found) > limit else None)


def encode(place: str) -> str:
    """A place in a list as a cursor."""
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode(cursor: str | None) -> str:
    """The place that `encode` was given, empty for none; raises BadParameter for anything else."""
    if not cursor:
        return ""
    try:
        place = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
    except ValueError:
        place = ""
    if not place.isprintable() or not place:
        raise BadParameter("cursor", "is not one that a page gave")
    return place
