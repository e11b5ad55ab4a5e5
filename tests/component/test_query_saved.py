"""/api/v1/funnels, /queries and /annotations: saved, answered, refused, and nothing of other sites."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from clickhouse.client import Client
from tests.eventually import eventually
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of
from tests.reports.events import BEGIN, DAY, Event, fill

RANGE = {"start_date": str(BEGIN), "end_date": str(BEGIN + 10 * DAY)}
STEPS: list[dict[str, Any]] = [{"event": "page_view"}, {"event": "signup"}, {"event": "purchase"}]
LOOKS = 600
FUNNEL: dict[str, Any] = {"name": "To buy", "steps": STEPS, "window": "10m"}


def _walk(visitor: str, reached: int, number: int) -> list[Event]:
    return [
        Event(
            site_id="shop",
            event=step["event"],
            ts=BEGIN + n * 1000,
            event_id=f"00000000-0000-0000-0000-{number * 10 + n:012d}",
            visitor_id=visitor,
            country="AT" if number % 2 else "US",
        )
        for n, step in enumerate(STEPS[:reached])
    ]


def _filled(url: str) -> str:
    client = Client(url)
    migrate(client)
    fill(client, [event for n, reached in enumerate((1, 2, 3, 3)) for event in _walk(f"v{n}", reached, n)])
    client.close()
    return url


@pytest.fixture(scope="module")
def same_events(clickhouse_of_module: str) -> str:
    """A database for those that neither store events nor keep rows of them."""
    return _filled(clickhouse_of_module)


@pytest.fixture
async def api(tmp_path: Path, same_events: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=same_events)) as made:
        yield made


@pytest.fixture
async def own_api(tmp_path: Path, clickhouse: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=_filled(clickhouse))) as made:
        yield made


async def save(api: Api, path: str, key: str = "shop_admin", **body: Any) -> Any:
    answer = await api.ask("POST", f"/api/v1/{path}", key, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def until_ready(api: Api, funnel_id: str) -> None:
    for _ in range(LOOKS):
        if (await api.ask("GET", f"/api/v1/funnels/{funnel_id}")).json()["rows"] == "ready":
            return
        await anyio.sleep(0.05)
    raise AssertionError("its rows are not made")


async def report(api: Api, funnel_id: str, key: str = "reader", **asked: Any) -> Any:
    answer = await api.ask("GET", f"/api/v1/funnels/{funnel_id}/report", key, params=RANGE | asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def counts(data: Any) -> list[int]:
    return [step["count"] for step in data["steps"]]


async def test_a_saved_funnel_answers_from_rows_of_its_own_until_it_is_gone(own_api: Api) -> None:
    api = own_api
    made = await save(api, "funnels", **FUNNEL)
    assert made["definition"] == {"steps": STEPS, "window": "10m"}
    await until_ready(api, made["id"])
    listed = (await api.ask("GET", "/api/v1/funnels", "reader")).json()
    assert [(each["id"], each["rows"]) for each in listed["data"]] == [(made["id"], "ready")]

    data = await report(api, made["id"], breakdown="country", granularity="day", timezone="UTC")
    assert (counts(data), data["meta"]["source"]) == ([4, 3, 2], "funnel_steps")
    assert [(each["value"], counts(each)) for each in data["breakdown"]] == [("AT", [2, 2, 1]), ("US", [2, 1, 1])]
    data = await report(api, made["id"], breakdown="path")
    assert (counts(data), data["meta"]["source"]) == ([4, 3, 2], "events")
    same = await api.ask("POST", "/api/v1/funnels/query", "reader", json=RANGE | {"steps": STEPS, "count": "visitors"})
    assert same.json()["data"]["meta"]["source"] == "funnel_steps"

    fill(api.parts.client, _walk("new", 3, 9))
    assert counts(await report(api, made["id"], bots="exclude")) == [5, 4, 3]
    path = f"/api/v1/funnels/{made['id']}"
    changed = await api.ask("PUT", path, "shop_admin", json=FUNNEL | {"steps": STEPS[1:]})
    assert changed.json()["rows"] == "building"
    await until_ready(api, made["id"])
    data = await report(api, made["id"])
    assert (counts(data), data["meta"]["source"]) == ([4, 3], "funnel_steps")

    assert (await api.ask("DELETE", path, "shop_admin")).status_code == 204
    assert (await api.ask("GET", path, "reader")).status_code == 404
    await anyio.to_thread.run_sync(eventually, lambda: not api.parts.client.query("funnels/views").rows)


async def test_a_funnel_that_can_have_no_rows_is_answered_from_the_events(api: Api) -> None:
    made = await save(api, "funnels", **FUNNEL, order="strict")
    assert made["rows"] == "events"
    data = await report(api, made["id"])
    assert (counts(data), data["meta"]["source"]) == ([4, 3, 2], "events")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (FUNNEL | {"steps": STEPS[:1]}, "steps"),
        (FUNNEL | {"steps": [{"event": "a"}, {"filter": {"field": "pth", "value": "/"}}]}, "steps[1].filter"),
        (FUNNEL | {"steps": [{"event": "a"}, {"filter": {"field": "path", "op": "matches", "value": "("}}]}, "regular"),
        (FUNNEL | {"steps": [{"event": "a"}, {"filter": {"cohort": "none"}}]}, "steps[1].filter.cohort"),
        (FUNNEL | {"hold": "pth"}, "hold"),
        (FUNNEL | {"window": "9000d"}, "window"),
        ({"steps": STEPS}, "name"),
    ],
)
async def test_a_funnel_that_cannot_be_is_refused_by_name(api: Api, body: dict[str, Any], said: str) -> None:
    answer = await api.ask("POST", "/api/v1/funnels", "shop_admin", json=body)
    assert answer.status_code == 400, answer.text
    assert said in answer.text


async def test_a_site_has_so_many_funnels_at_most(api: Api) -> None:
    api.parts.funnels = None
    for _ in range(20):
        await save(api, "funnels", **FUNNEL)
    answer = await api.ask("POST", "/api/v1/funnels", "shop_admin", json=FUNNEL)
    assert (answer.status_code, "20 of kind funnel" in answer.text) == (400, True)


QUESTION: dict[str, Any] = RANGE | {"metrics": ["events", "users"], "breakdown": ["event"]}


async def test_a_saved_query_has_an_address_that_answers_it(api: Api) -> None:
    made = await save(api, "queries", name="Events", question=QUESTION)
    assert (made["method"], made["result"]) == ("POST", f"/api/v1/queries/{made['id']}/result")
    straight = await api.ask("POST", "/api/v1/query", "reader", json=QUESTION)
    answer = await api.ask("GET", made["result"], "reader")
    told, expected = answer.json(), straight.json()
    assert (told["rows"], told["totals"]) == (expected["rows"], expected["totals"])
    assert told["totals"]["events"] == 9
    assert "x-cache" in answer.headers

    path = f"/api/v1/queries/{made['id']}"
    change = {"route": "/api/v1/stats", "question": RANGE | {"metric": "unique_users"}}
    assert (await api.ask("PATCH", path, "shop_admin", json=change)).json()["method"] == "GET"
    assert (await api.ask("GET", made["result"], "reader")).json()["data"]["value"] == 4
    assert (await api.ask("GET", "/api/v1/queries", "reader")).json()["data"][0]["id"] == made["id"]
    assert (await api.ask("DELETE", path, "shop_admin")).status_code == 204
    assert (await api.ask("GET", made["result"], "reader")).status_code == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"name": "n", "route": "/api/v1/sql", "question": {}}, "is no report"),
        ({"name": "n", "question": {"metrics": ["sales"]}}, "metrics[0]"),
        ({"name": "n", "question": QUESTION | {"site_id": "blog"}}, "question.site_id"),
        ({"name": "n", "question": {"metrics": ["events"], "wrong": 1}}, "wrong"),
    ],
)
async def test_a_query_that_cannot_be_answered_is_not_saved(api: Api, body: dict[str, Any], said: str) -> None:
    answer = await api.ask("POST", "/api/v1/queries", "shop_admin", json=body)
    assert (answer.status_code, said in answer.text) == (400, True), answer.text
    assert (await api.ask("GET", "/api/v1/queries", "reader")).json()["data"] == []


async def test_series_tell_on_request_what_was_noted_of_their_range(api: Api) -> None:
    noted = [
        await save(api, "annotations", text="later", time=str(BEGIN + 20 * DAY)),
        await save(api, "annotations", text="a launch", time=str(BEGIN + DAY), tags=["release"]),
        await save(api, "annotations", text="an outage", time=str(BEGIN - DAY), end=str(BEGIN + 1)),
        await save(api, "annotations", text="over by then", time=str(BEGIN - DAY), end=str(BEGIN)),
    ]
    question = QUESTION | {"granularity": "day"}

    async def texts() -> list[str]:
        answer = await api.ask("POST", "/api/v1/query", "reader", json=question | {"annotations": True})
        return [each["text"] for each in answer.json()["annotations"]]

    assert await texts() == ["an outage", "a launch"]
    assert "annotations" not in (await api.ask("POST", "/api/v1/query", "reader", json=question)).json()
    path = f"/api/v1/annotations/{noted[1]['id']}"
    changed = (
        await api.ask("PATCH", path, "shop_admin", json={"text": "Version 2", "end": str(BEGIN + 2 * DAY)})
    ).json()
    assert (changed["text"], changed["time"], changed["end"]) == ("Version 2", BEGIN + DAY, BEGIN + 2 * DAY)
    assert (await api.ask("GET", path, "reader")).json() == changed
    assert (await api.ask("DELETE", f"/api/v1/annotations/{noted[2]['id']}", "shop_admin")).status_code == 204
    assert await texts() == ["Version 2"]
    listed = await api.ask("GET", "/api/v1/annotations", "reader", params={"start_date": str(BEGIN), "limit": 1})
    assert [each["text"] for each in listed.json()["data"]] == ["later"]


async def test_a_note_that_ends_before_it_begins_is_refused(api: Api) -> None:
    for body, said in (
        ({"text": "x", "time": "2026-03-05", "end": "2026-03-04"}, "end"),
        ({"text": "x", "time": "noon"}, "time"),
        ({"text": "", "time": "2026-03-05"}, "text"),
    ):
        answer = await api.ask("POST", "/api/v1/annotations", "shop_admin", json=body)
        assert (answer.status_code, said in answer.text) == (400, True), answer.text


async def test_what_is_saved_is_its_own_sites_and_changed_by_administrators_alone(api: Api) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "funnels": FUNNEL | {"order": "strict"},
        "queries": {"name": "Events", "question": QUESTION},
        "annotations": {"text": "a launch", "time": str(BEGIN)},
    }
    for path, body in bodies.items():
        assert (await api.ask("POST", f"/api/v1/{path}", "reader", json=body)).status_code == 403
        own = f"/api/v1/{path}/{(await save(api, path, **body))['id']}"
        further = {"funnels": "/report", "queries": "/result"}.get(path, "")
        for key in ("rival", "rival_reader"):
            assert (await api.ask("GET", own, key)).status_code == 404
            assert (await api.ask("GET", own + further, key)).status_code == 404
            listed = await api.ask("GET", f"/api/v1/{path}", key, params={"site_id": "rival"})
            assert listed.json()["data"] == []
        method = "PUT" if path == "funnels" else "PATCH"
        change = body if path == "funnels" else {}
        assert (await api.ask(method, own, "rival", json=change)).status_code == 404
        assert (await api.ask(method, own, "reader", json=change)).status_code == 403
        assert (await api.ask("DELETE", own, "rival")).status_code == 404
        assert (await api.ask("DELETE", own, "reader")).status_code == 403
        assert (await api.ask("GET", own, "reader")).status_code == 200
