"""What a field of the graph asks: a report, as whoever asks, and of which site and time."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import orjson
from fastapi import Request
from graphql import GraphQLError

from api.keyring import Key
from api.query.inner import asked_within

MOST = 10
"""Reports that one request may ask."""


class Refused(GraphQLError):
    """What the client is told of a field that cannot be answered."""


@dataclass
class Asking:
    """A request, and how many reports it has asked."""

    request: Request
    key: Key
    asked: "count[int]" = field(default_factory=lambda: count(1))

    async def report(self, method: Literal["GET", "POST"], path: str, question: dict[str, Any]) -> dict[str, Any]:
        """What a route under /api/v1 answers; raises Refused as that does, and beyond MOST."""
        if next(self.asked) > MOST:
            raise Refused(f"a request may ask at most {MOST} reports: ask for less, or in several requests")
        answer = await asked_within(self.request, method, f"/api/v1{path}", question)
        found: dict[str, Any] = orjson.loads(answer.body)
        if answer.status_code >= 400:
            shown = {name: found[name] for name in ("type", "status", "errors")}
            raise Refused(found["detail"], extensions=shown)
        return found


@dataclass(frozen=True)
class Place:
    """Of which site and time; what is None is left to the report."""

    org_id: str | None
    project_id: str | None
    start_date: str | None
    end_date: str | None
    filters: Any

    def question(self, asking: Asking, **more: Any) -> dict[str, Any]:
        """The same as reports take it; raises Refused for another organisation than the key's."""
        if self.org_id not in (None, asking.key.organisation):
            raise Refused(f"orgId: there is no organisation {self.org_id!r}")
        own = {
            "site_id": self.project_id,
            "start_date": self.start_date,
            "end_date": self.end_date,
            "filter": self.filters,
        }
        return {name: value for name, value in own.items() if value is not None} | more
