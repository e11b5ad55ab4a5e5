"""Who gets in: every route of the query API, and every site that is another's."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import BaseRoute

from api.control import credential
from api.query.app import app_of
from api.query.parts import assemble
from tests.querying import KEYS, Api, querying, settings_of

OPEN = {"/health", "/health/ready", "/metrics", "/docs", "/docs/oauth2-redirect", "/openapi.json"}
OPEN |= {"/replay", "/replay/replay.js", "/replay/replay.css"}
RULE: dict[str, Any] = {"metric": "events", "condition": {"kind": "threshold", "operator": ">", "value": 1}}
STEPS = [{"event": "page_view"}, {"event": "signup"}]
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/sites": {"id": "new", "name": "New"},
    "PATCH /api/v1/sites/{site_id}": {"name": "Changed"},
    "POST /api/v1/keys": {"name": "new", "site_id": "shop"},
    "POST /api/v1/settings/keys": {"name": "new", "site_id": "shop"},
    "POST /api/v1/cohorts": {"name": "new", "site_id": "shop", "definition": {"listed": True}},
    "PATCH /api/v1/cohorts/{cohort_id}": {"name": "new"},
    "POST /api/v1/cohorts/{cohort_id}/members": {"visitor_ids": ["one"]},
    "POST /api/v1/alerts": {"name": "new", "site_id": "shop", **RULE},
    "PUT /api/v1/alerts/{rule_id}": {"name": "new", **RULE},
    "PATCH /api/v1/alerts/{rule_id}": {"name": "new"},
    "POST /api/v1/imports": {"id": "one", "files": ["a"], "accepted": 1, "seconds": 1},
    "POST /api/v1/annotations": {"site_id": "shop", "text": "new", "time": "2026-03-05"},
    "PATCH /api/v1/annotations/{annotation_id}": {"text": "new"},
    "POST /api/v1/queries": {"site_id": "shop", "name": "new", "question": {"metrics": ["events"]}},
    "PATCH /api/v1/queries/{query_id}": {"name": "new"},
    "POST /api/v1/funnels": {"site_id": "shop", "name": "new", "steps": STEPS},
    "POST /graphql": {"query": "{ totalEvents }"},
    "POST /api/v1/errors/{fingerprint}/resolve": {"site_id": "shop"},
    "POST /api/v1/errors/{fingerprint}/reopen": {"site_id": "shop"},
    "PUT /api/v1/funnels/{funnel_id}": {"name": "new", "steps": STEPS},
}
ASKED: dict[str, dict[str, Any]] = {
    "/api/v1/query": {"metrics": ["events"]},
    "/api/v1/funnels/query": {"steps": STEPS},
    "/api/v1/funnels/people": {"steps": STEPS, "step": 1},
    "/api/v1/retention/query": {},
    "/api/v1/alerts/backtest": {"rule": RULE},
    "/api/v1/sql": {"query": "SELECT 1"},
    "/api/v1/lifecycle/query": {},
    "/api/v1/stickiness/query": {},
    "/api/v1/stickiness/active": {},
    "/api/v1/journeys/query": {},
    "/api/v1/attribution/query": {"goal": "page_view"},
    "/api/v1/performance/query": {},
    "/api/v1/errors/query": {},
}
"""Questions that are sent as a body."""
READS = (
    *("/api/v1/stats", "/api/v1/events/recent", "/api/v1/events/{event_id}/fate", *ASKED, "/api/v1/alerts/history"),
    *(
        "/api/v1/reports/pages",
        "/api/v1/reports/sources",
        "/api/v1/reports/audience",
        "/api/v1/reports/audience/newness",
    ),
    *(
        "/api/v1/reports/realtime",
        "/api/v1/reports/revenue",
        "/api/v1/reports/risk",
        "/api/v1/reports/risk/sessions",
        "/api/v1/reports/risk/scores",
        "/api/v1/identity/graph",
        "/api/v1/attribution",
        "/api/v1/people/links",
    ),
    *("/api/v1/analytics/retention", "/analytics/overview", "/analytics/sessions/daily", "/analytics/engagement"),
    *("/analytics/pages/top", "/analytics/sources", "/analytics/geo", "/analytics/realtime", "/analytics/storage"),
    "/analytics/anomalies",
    *("/api/v1/fingerprints/{fingerprint_id}", "/api/v1/addresses/{ip}", "/api/v1/networks/{asn}"),
)
READS_RECORDS = {
    "GET /api/v1/alerts": 200,
    "GET /api/v1/alerts/{rule_id}": 404,
    "GET /api/v1/alerts/{rule_id}/history": 404,
    "POST /api/v1/alerts/{rule_id}/backtest": 404,
    "GET /api/v1/cohorts": 200,
    "GET /api/v1/cohorts/{cohort_id}": 404,
    "GET /api/v1/cohorts/{cohort_id}/size": 404,
    "GET /api/v1/cohorts/{cohort_id}/members": 404,
    "GET /api/v1/annotations": 200,
    "GET /api/v1/annotations/{annotation_id}": 404,
    "GET /api/v1/queries": 200,
    "GET /api/v1/queries/{query_id}": 404,
    "GET /api/v1/queries/{query_id}/result": 404,
    "GET /api/v1/funnels": 503,
    "GET /api/v1/funnels/{funnel_id}": 404,
    "GET /api/v1/funnels/{funnel_id}/report": 404,
    "GET /api/v1/analytics/cohorts": 404,
    "POST /graphql": 200,
    "GET /replay/sessions": 404,
    "GET /replay/sessions/{session_id}": 404,
    "GET /websites/{site_id}/analytics/traffic": 404,
    "GET /websites/{site_id}/analytics/pages": 404,
    "GET /websites/{site_id}/analytics/users": 404,
    "GET /websites/{site_id}/analytics/realtime": 404,
    "GET /websites/{site_id}/analytics/audience": 404,
}
"""What a reader is answered of records, which do not lie in the store that is away; which funnels have rows is told there. A graph
tells of each field what keeps it from being answered."""
EVENT = "0198c0de-0000-7000-8000-000000000001"
QUESTIONS: dict[str, dict[str, Any]] = {
    "GET /api/v1/stats": {"metric": "event_count"},
    "GET /api/v1/attribution": {"goal": "page_view"},
    "GET /api/v1/people/links": {"visitor_id": "one"},
    "GET /api/v1/identity/graph": {"visitor_id": "one"},
    "GET /api/v1/analytics/cohorts": {"cohort_id": "none"},
}


def _flat(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    for route in routes:
        path = getattr(route, "path", None)
        for method in sorted(getattr(route, "methods", None) or ()):
            if path is not None and method != "HEAD":
                yield method, path


def _routes() -> list[tuple[str, str]]:
    parts = assemble(settings_of(Path("."), database_url="sqlite://"))
    app = app_of(parts)
    described = [(method.upper(), path) for path, each in app.openapi()["paths"].items() for method in each]
    return sorted({*described, *_flat(app.routes)})


ROUTES = _routes()
PROTECTED = [(method, path) for method, path in ROUTES if path not in OPEN]
SITE_BY_NAME = [(method, path) for method, path in PROTECTED if "{site_id}" in path or path in READS]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path)) as made:
        yield made


def _url(path: str) -> str:
    path = path.replace("{fingerprint_id}", "f").replace("{ip}", "203.0.113.7").replace("{asn}", "8447")
    return path.replace("{event_id}", EVENT).replace("{fingerprint}", "0123456789abcdef")


def _request(method: str, path: str) -> dict[str, Any]:
    name = f"{method} {path}"
    request: dict[str, Any] = {"params": QUESTIONS.get(name, {})}
    body = ASKED.get(path) if method == "POST" else None
    body = BODIES.get(name, body)
    return request if body is None else request | {"json": body}


def test_the_table_of_routes_is_whole() -> None:
    assert len(PROTECTED) >= 17
    assert {path for _, path in ROUTES} >= {"/health", "/health/ready", "/metrics", "/docs", "/openapi.json"}
    assert {path.split("/")[1] for _, path in PROTECTED} == {"api", "analytics", "websites", "graphql", "replay"}


async def test_the_documentation_loads_nothing_from_elsewhere(api: Api) -> None:
    page = (await api.ask("GET", "/docs", None)).text
    loaded = set(re.findall(r'(?:src|href)="([^"]+)"', page)) - {"data:,"}
    assert len(loaded) == 2
    for each in loaded:
        assert each.startswith("/docs/")
        answer = await api.ask("GET", each, None)
        assert answer.status_code == 200
        assert len(answer.content) > 100_000


async def test_no_route_answers_without_a_key(api: Api) -> None:
    for method, path in PROTECTED:
        answer = await api.ask(method, _url(path), None, **_request(method, path))

        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_no_route_answers_to_a_key_that_is_none(api: Api) -> None:
    for method, path in PROTECTED:
        for presented in (credential.make(public=False), "x", "'; --", "é" * 43):
            headers = {b"x-api-key": presented.encode()}
            answer = await api.http.request(method, _url(path), headers=headers, **_request(method, path))

            assert answer.status_code == 401, (method, path, presented)


async def test_no_route_answers_to_a_key_that_may_only_write(api: Api) -> None:
    for method, path in PROTECTED:
        for key in ("writer", "page"):
            answer = await api.ask(method, _url(path), key, **_request(method, path))

            assert answer.status_code == 403, (method, path, key)
            assert "lacks the scope" in answer.json()["detail"]


async def test_a_reader_reads_and_administers_nothing(api: Api) -> None:
    for method, path in PROTECTED:
        answer = await api.ask(method, _url(path), "reader", **_request(method, path))
        reads = READS_RECORDS.get(f"{method} {path}", 503 if path in READS else 403)

        assert answer.status_code == reads, (method, path)


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
async def test_a_key_is_taken_from_both_headers(api: Api, header: str) -> None:
    value = api.keys["admin"] if header == "x-api-key" else f"Bearer {api.keys['admin']}"

    assert (await api.http.get("/api/v1/sites", headers={header: value})).status_code == 200


async def test_open_routes_need_no_key_and_show_nothing(api: Api) -> None:
    for path in OPEN - {"/health/ready"}:
        answer = await api.ask("GET", path, None)

        assert answer.status_code == 200, path
        assert not any(name in answer.text for name in ("rival", *api.keys.values()))


@pytest.mark.parametrize("key", ["rival", "rival_reader", "shop_admin", "reader"])
async def test_anothers_site_is_as_one_that_does_not_exist(api: Api, key: str) -> None:
    for method, path in SITE_BY_NAME:
        if "admin" not in KEYS[key]["scopes"] and "{site_id}" in path:
            continue
        if method == "DELETE" and KEYS[key]["site"] is not None:
            continue
        texts = []
        for site in ("blog", "nowhere"):
            request = _request(method, path)
            if "{site_id}" not in path:
                where = "json" if path in ASKED else "params"
                request[where] = request[where] | {"site_id": site}
            answer = await api.ask(method, _url(path).replace("{site_id}", site), key, **request)
            texts.append((answer.status_code, answer.text.replace(site, "SITE")))

        assert texts[0] == texts[1], (method, path)
        assert texts[0][0] == 404, (method, path)
    assert (await api.ask("GET", "/api/v1/sites/blog")).json()["name"] == "Blog"


@pytest.mark.parametrize("key", ["rival", "shop_admin"])
async def test_anothers_keys_are_as_ones_that_do_not_exist(api: Api, key: str) -> None:
    foreign = "admin" if key == "shop_admin" else "reader"
    for method, path in PROTECTED:
        if "{key_id}" not in path:
            continue
        texts = []
        for key_id in (api.ids[foreign], "key_0000000000000000"):
            answer = await api.ask(method, path.replace("{key_id}", key_id), key)
            texts.append((answer.status_code, answer.text.replace(key_id, "KEY")))

        assert texts[0] == texts[1], (method, path)
        assert texts[0][0] == 404, (method, path)
    assert (await api.ask("GET", f"/api/v1/keys/{api.ids[foreign]}")).json()["revoked"] is None


async def test_lists_hold_what_is_the_keys_own(api: Api) -> None:
    sites = {
        key: (await api.ask("GET", "/api/v1/sites", key)).json()["data"] for key in ("admin", "shop_admin", "rival")
    }
    keys = {key: (await api.ask("GET", "/api/v1/keys", key)).json()["data"] for key in ("admin", "shop_admin", "rival")}

    assert {key: [site["id"] for site in found] for key, found in sites.items()} == {
        "admin": ["blog", "shop"],
        "shop_admin": ["shop"],
        "rival": ["rival"],
    }
    assert {key: sorted(each["name"] for each in found) for key, found in keys.items()} == {
        "admin": ["admin", "page", "reader", "shop_admin", "writer"],
        "shop_admin": ["page", "reader", "shop_admin", "writer"],
        "rival": ["rival", "rival_reader"],
    }


async def test_a_key_of_one_site_makes_and_archives_none(api: Api) -> None:
    assert (await api.ask("POST", "/api/v1/sites", "shop_admin", json={"id": "new"})).status_code == 403
    assert (await api.ask("DELETE", "/api/v1/sites/shop", "shop_admin")).status_code == 403


async def test_a_new_key_reaches_no_further_than_the_one_that_makes_it(api: Api) -> None:
    for site in ("blog", "rival", "nowhere"):
        wanted = {"name": "x", "site_id": site, "scopes": ["stats:read"]}
        assert (await api.ask("POST", "/api/v1/keys", "shop_admin", json=wanted)).status_code == 404
    made = await api.ask("POST", "/api/v1/keys", "shop_admin", json={"name": "x", "scopes": ["admin"]})

    assert made.status_code == 201
    assert made.json()["site_id"] == "shop"


async def test_a_key_of_all_sites_must_name_one(api: Api) -> None:
    for path in READS:
        method = "POST" if path in ASKED else "GET"
        answer = await api.ask(method, _url(path), "admin", **_request(method, path))

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["parameter"] == "site_id"
