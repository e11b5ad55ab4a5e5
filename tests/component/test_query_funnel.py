"""POST /api/v1/funnels/…: answers, refusals, and nothing of other sites."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api.query.funnel import FunnelForm, FunnelResponse, PeopleForm, PeopleResponse
from clickhouse.client import Client
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of
from tests.reports.events import BEGIN, DAY, Event, fill

RANGE = {"start_date": str(BEGIN), "end_date": str(BEGIN + 10 * DAY)}
STEPS = [{"event": "page_view"}, {"event": "signup", "name": "joined"}, {"event": "purchase"}]
WALKS = {"a": (0, 10, 40), "b": (0, 30), "c": (DAY // 1000,), "d": (5, 6, 7)}
NAMES = ("page_view", "signup", "purchase")


def _events() -> list[Event]:
    found: list[Event] = []
    for site in ("shop", "rival"):
        for visitor, seconds in WALKS.items():
            for name, second in zip(NAMES, seconds, strict=False):
                found.append(
                    Event(
                        site_id=site,
                        event=name,
                        ts=BEGIN + second * 1000,
                        event_id=str(UUID(int=len(found) + 1)),
                        visitor_id=visitor if site == "shop" else f"rival {visitor}",
                        user_id="ann" if visitor == "d" else "",
                        session_id="" if visitor == "c" else f"of {visitor}",
                        country="AT" if visitor in "ad" else "US",
                    )
                )
    return found


@pytest.fixture
async def api(tmp_path: Path, clickhouse: str) -> AsyncIterator[Api]:
    client = Client(clickhouse)
    migrate(client)
    fill(client, _events())
    client.close()
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse)) as made:
        yield made


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Api]:
    """An API without a ClickHouse: what is refused is refused before it is asked."""
    async with querying(settings_of(tmp_path)) as made:
        yield made


async def ask(api: Api, key: str = "reader", path: str = "query", **question: Any) -> Any:
    body = {**RANGE, "steps": STEPS, **question}
    answer = await api.ask("POST", f"/api/v1/funnels/{path}", key, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_funnel_tells_how_many_and_how_long(api: Api) -> None:
    body = await ask(api, window="10m", granularity="day", breakdown="country", timezone="UTC")
    FunnelResponse.model_validate(body, strict=True)
    data = body["data"]
    first, joined, bought = data["steps"]

    assert [step["count"] for step in data["steps"]] == [4, 3, 2]
    assert (first["name"], joined["name"], bought["name"]) == ("page_view", "joined", "purchase")
    assert (first["dropped"], joined["dropped"], bought["dropped"]) == (0, 1, 1)
    assert (bought["from_first"], bought["from_before"]) == (0.5, 0.666667)
    assert first["time_from_before"] is None
    assert (joined["time_from_before"]["median"], joined["time_from_before"]["p90"]) == (10.0, 26.0)
    assert bought["time_from_first"]["median"] == 21.0
    bins = {each["since"]: each["count"] for each in joined["time_from_before"]["histogram"]}
    assert bins == {1: 1, 3: 0, 10: 1, 30: 1}
    assert [(each["value"], each["steps"][2]["count"]) for each in data["breakdown"]] == [("AT", 2), ("US", 0)]
    assert [(each["entered"], each["converted"]) for each in data["over_time"]][:3] == [(3, 2), (1, 0), (0, 0)]
    assert data["meta"]["source"] == "events"


async def test_attempts_whose_window_has_not_ended_are_unfinished(api: Api) -> None:
    far = await ask(api, window="366d", granularity="week", count="visitors")
    assert far["data"]["unfinished"] == 2
    assert far["data"]["over_time"][0]["unfinished"] + far["data"]["over_time"][1]["unfinished"] == 2
    assert (await ask(api, window="10m"))["data"]["unfinished"] == 0


async def test_people_come_in_pages_and_none_of_another_site(api: Api) -> None:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await ask(api, path="people", step=1, limit=1, **cursor)
        PeopleResponse.model_validate(page, strict=True)
        found += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [(each["user_id"], each["visitor_id"]) for each in found] == [
        ("ann", None),
        (None, "a"),
        (None, "b"),
        (None, "c"),
    ]
    lost = await ask(api, path="people", step=2, fate="lost", count="visitors")
    assert [each["visitor_id"] for each in lost["data"]] == ["b"]
    assert lost["data"][0]["reached"] == [BEGIN, BEGIN + 30_000, None]
    of_sessions = await ask(api, path="people", step=1, count="sessions", window="session")
    assert [(each["session_id"], each["visitor_id"]) for each in of_sessions["data"]] == [
        ("of a", None),
        ("of b", None),
        ("of d", None),
        (None, "c"),
    ]


async def test_a_site_of_another_is_not_there(api: Api) -> None:
    for path in ("query", "people"):
        body = {**RANGE, "steps": STEPS, "step": 1} if path == "people" else {**RANGE, "steps": STEPS}
        for key, site, status in (("reader", "rival", 404), ("admin", "rival", 404), ("writer", "shop", 403)):
            answer = await api.ask("POST", f"/api/v1/funnels/{path}", key, json={**body, "site_id": site})
            assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"steps": STEPS[:1]}, "steps"),
        ({"steps": STEPS * 7}, "steps"),
        ({"steps": [{"event": "a", "colour": "red"}, {"event": "b"}]}, "steps.0.colour"),
        ({"steps": [{"event": "a", "filter": {"field": "nothing", "value": "x"}}, {"event": "b"}]}, "steps[0].filter"),
        ({"steps": [{"event": "a", "optional": True}, {"event": "b"}]}, "steps[0].optional"),
        ({"window": "0s"}, "window"),
        ({"window": "2y"}, "window"),
        ({"window": "367d"}, "window"),
        ({"order": "random"}, "order"),
        ({"count": "groups"}, "count"),
        ({"exclusions": [{"event": "x", "from_step": 2, "to_step": 1}]}, "exclusions[0]"),
        ({"exclusions": [{"event": "x", "from_step": 0, "to_step": 1}]}, "exclusions.0.from_step"),
        ({"attribution": "step:9"}, "attribution"),
        ({"attribution": "middle"}, "attribution"),
        ({"hold": "nothing"}, "hold"),
        ({"breakdown": "properties."}, "breakdown"),
        ({"granularity": "year"}, "granularity"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_its_place(bare: Api, changed: dict[str, Any], said: str) -> None:
    answer = await bare.ask("POST", "/api/v1/funnels/query", "reader", json={**RANGE, "steps": STEPS, **changed})
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["detail"]


async def test_a_place_in_a_list_that_no_page_gave_is_refused(bare: Api) -> None:
    for changed in ({"cursor": "!"}, {"cursor": "eA"}, {"limit": 1001}, {"step": 0}, {"step": 4}, {"fate": "found"}):
        body = {**RANGE, "steps": STEPS, "step": 1, **changed}
        answer = await bare.ask("POST", "/api/v1/funnels/people", "reader", json=body)
        assert answer.status_code == 400, (changed, answer.text)


def test_the_documented_examples_are_questions() -> None:
    for form in (FunnelForm, PeopleForm):
        form.model_validate(form.model_config["json_schema_extra"]["example"])  # type: ignore[index]
