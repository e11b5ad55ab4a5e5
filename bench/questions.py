"""What is asked of the query API, its bar, and the same question in SQL by hand; the n-th time of another range, so that no answer is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import json

DAY_MS = 86_400_000
MINUTE_MS = 60_000
WEEK_MS = 7 * DAY_MS
MONDAY_MS = 4 * DAY_MS
"""The first Monday after the epoch."""
WEEKS = 13
RANGE_MS = 30 * DAY_MS
LATER = 1_000
"""So many minutes earlier is asked what was asked before, and may be kept."""
STEPS = ("product_view", "add_to_cart", "purchase")
FUNNEL: dict[str, Any] = {"steps": [{"event": name} for name in STEPS], "window": "14d"}

Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Request:
    """A request to the query API."""

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    content: bytes | None = None


@dataclass(frozen=True)
class Question:
    """A question: what is asked the n-th time, the file and the parameters of the same by hand, and what both of them tell.

    Without `told` the two are not compared, as time goes on between them.
    """

    name: str
    bar_ms: float | None
    asked: Callable[[int], Request]
    by_hand: str
    given: Callable[[int], Mapping[str, Any]]
    told: Callable[[Any], Any] | None = None
    read: Callable[[Rows], Any] = lambda rows: rows


def questions(site: str, now_ms: int) -> dict[str, Question]:
    """All of them, by a short name."""

    def ranged(n: int) -> dict[str, Any]:
        return _range(site, now_ms, n)

    return {
        "counts": Question(
            "events by day, 30 days",
            100,
            lambda n: _stats(ranged(n), metric="event_count", group_by="day"),
            "by_hand_counts",
            ranged,
            lambda found: [each["value"] for each in found["data"]["breakdown"] if each["value"]],
            lambda rows: [row[1] for row in rows],
        ),
        "users": Question(
            "users, 30 days",
            100,
            lambda n: _stats(ranged(n), metric="unique_users"),
            "by_hand_users",
            ranged,
            lambda found: found["data"]["value"],
            lambda rows: rows[0][0],
        ),
        "days": Question(
            "users by day, 30 days",
            100,
            lambda n: _stats(ranged(n), metric="unique_users", group_by="day"),
            "by_hand_days",
            ranged,
            lambda found: [each["value"] for each in found["data"]["breakdown"] if each["value"]],
            lambda rows: [row[1] for row in rows],
        ),
        "funnel": _funnel("funnel of 3 steps, 30 days", 400, ranged),
        "saved": _funnel("the same, saved", 100, lambda n: ranged(n + LATER)),
        "live": _retention("retention, 13 weeks, no snapshot", None, site, now_ms),
        "retention": _retention("retention, 13 weeks", 100, site, now_ms),
        **_of_pages(ranged),
    }


def _of_pages(ranged: Callable[[int], dict[str, Any]]) -> dict[str, Question]:
    return {
        "top": Question(
            "top pages, 30 days",
            100,
            lambda n: Request("POST", "/api/v1/query", content=json.encode(_dates(ranged(n)) | TOP)),
            "by_hand_top",
            ranged,
            lambda found: [[row["dimensions"]["path"], row["metrics"]["pageviews"]] for row in found["rows"]],
            lambda rows: [list(row) for row in rows],
        ),
        "pages": Question(
            "the report of pages: who saw them, where sessions began and ended, 30 days",
            None,
            lambda n: Request("GET", "/api/v1/reports/pages", _dates(ranged(n))),
            "by_hand_pages",
            ranged,
            lambda found: [[each[name] for name in PAGE] for each in found["pages"]],
            lambda rows: [list(row) for row in rows],
        ),
    }


TOP: dict[str, Any] = {
    "metrics": ["pageviews"],
    "breakdown": ["path"],
    "filter": {"field": "event", "value": "page_view"},
    "limit": 100,
}
PAGE = ("path", "views", "visitors", "entries", "exits")


def realtime(site: str, clock: Callable[[], int]) -> Question:
    """Who is there now: its filter is written otherwise each time."""

    def asked(n: int) -> Request:
        return Request("GET", "/api/v1/reports/realtime", {"site_id": site, "filter": '{"and":[]}' + " " * (n + 1)})

    return Question("realtime", 50, asked, "by_hand_realtime", lambda _: {"site": site, "end": clock()})


def members(event: str) -> dict[str, Any]:
    """The definition of a cohort: who did something in a time."""
    return {"did": {"event": event}}


def _range(site: str, now_ms: int, n: int) -> dict[str, Any]:
    end = now_ms - now_ms % MINUTE_MS - (n + 1) * MINUTE_MS
    return {"site": site, "start": end - RANGE_MS, "end": end}


def _dates(ranged: Mapping[str, Any]) -> dict[str, Any]:
    return {"site_id": ranged["site"], "start_date": str(ranged["start"]), "end_date": str(ranged["end"])}


def _stats(ranged: Mapping[str, Any], **more: str) -> Request:
    return Request("GET", "/api/v1/stats", _dates(ranged) | more)


def _funnel(name: str, bar_ms: float, ranged: Callable[[int], Mapping[str, Any]]) -> Question:
    return Question(
        name,
        bar_ms,
        lambda n: Request("POST", "/api/v1/funnels/query", content=json.encode(_dates(ranged(n)) | FUNNEL)),
        "by_hand_funnel",
        ranged,
        lambda found: [step["count"] for step in found["data"]["steps"]],
        lambda rows: list(rows[0]),
    )


def _retention(name: str, bar_ms: float | None, site: str, now_ms: int) -> Question:
    """Of the weeks that are over, so that there is but one range: it is written otherwise each time."""
    end = (now_ms - MONDAY_MS) // WEEK_MS * WEEK_MS + MONDAY_MS
    ranged = {"site": site, "start": end - WEEKS * WEEK_MS, "end": end}
    body = json.encode(_dates(ranged) | {"interval": "week", "periods": WEEKS})
    return Question(
        name,
        bar_ms,
        lambda n: Request("POST", "/api/v1/retention/query", content=body + b" " * (n + 1)),
        "by_hand_retention",
        lambda _: ranged,
        _cells,
        lambda rows: {(cohort - 1, later): users for cohort, later, users in rows},
    )


def _cells(found: Any) -> dict[tuple[int, int], int]:
    return {
        (number, later): int(cell["value"])
        for number, cohort in enumerate(found["data"]["groups"][0]["cohorts"])
        for later, cell in enumerate(cohort["values"])
        if cell["value"]
    }
