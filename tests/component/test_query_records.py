"""Sites and keys over the API, as people manage them."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from api.control import credential
from tests.querying import SECRET, Api, querying, settings_of

TRICKS = ("'", "'; DROP TABLE sites; --", "\\", "%", "_", "\u0000", "a\nb", "👩‍👩‍👧", "../..", "{}", "x" * 70)


@pytest.fixture
async def api(tmp_path: Path, redis_url: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, redis_url=redis_url)) as made:
        made.parts.publisher.stop()  # it would wait for a broker that is not there
        yield made


async def made_key(api: Api, **wanted: Any) -> dict[str, Any]:
    """A new key."""
    answer = await api.ask("POST", "/api/v1/keys", json={"name": "new", "site_id": "shop", **wanted})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def works(api: Api, key: str, path: str = "/api/v1/keys") -> bool:
    """Whether a key is taken."""
    return (await api.http.get(path, headers={"x-api-key": key})).status_code == 200


async def test_a_site_is_made_read_changed_and_archived(api: Api) -> None:
    wanted = {"id": "docs", "name": "Documents", "timezone": "Europe/Vienna", "settings": {"retention_days": 30}}
    made = await api.ask("POST", "/api/v1/sites", json=wanted)
    assert made.status_code == 201
    assert made.json().items() >= wanted.items()
    assert abs(made.json()["created"] - time.time() * 1000) < 60_000

    again = await api.ask("POST", "/api/v1/sites", json=wanted)
    assert (again.status_code, "there is a site 'docs' already" in again.text) == (409, True)

    changed = await api.ask("PATCH", "/api/v1/sites/docs", json={"name": "Docs"})
    assert changed.status_code == 200
    assert (await api.ask("GET", "/api/v1/sites/docs")).json() == made.json() | {"name": "Docs"}

    assert (await api.ask("DELETE", "/api/v1/sites/docs")).status_code == 204
    assert (await api.ask("GET", "/api/v1/sites/docs")).status_code == 404
    assert (await api.ask("DELETE", "/api/v1/sites/docs")).status_code == 404


async def test_what_a_site_keeps_is_changed_and_its_keys_are_asked_for_anew(api: Api) -> None:
    assert (await api.ask("GET", "/api/v1/sites/shop")).json()["mode"] == "standard"
    made = await api.ask("POST", "/api/v1/keys", json={"name": "k", "site_id": "shop", "scopes": ["events:write"]})
    key = made.json()["key"]
    for mode in ("anonymous", "consented", "security", "standard"):
        changed = await api.ask("PATCH", "/api/v1/sites/shop", json={"mode": mode})
        assert changed.json()["mode"] == mode
        found = await api.parts.keyring.find(key)
        assert found is not None
        assert found.mode == mode
        assert (api.parts.store.sites.public("shop") or {})["mode"] == mode
    refused = await api.ask("PATCH", "/api/v1/sites/shop", json={"mode": "open"})
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (400, "mode")
    assert (await api.ask("PATCH", "/api/v1/sites/shop", "reader", json={"mode": "standard"})).status_code == 403


async def test_a_site_is_named_after_its_id_and_lives_in_utc_unless_told(api: Api) -> None:
    made = (await api.ask("POST", "/api/v1/sites", json={"id": "docs"})).json()

    assert (made["name"], made["timezone"], made["settings"]) == ("docs", "UTC", {})


@pytest.mark.parametrize("key", ["admin", "rival"])
async def test_an_id_that_is_taken_is_refused_whoever_has_it(api: Api, key: str) -> None:
    answer = await api.ask("POST", "/api/v1/sites", key, json={"id": "shop"})

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"


NO_SITES: list[tuple[Any, str]] = [
    ({}, "id"),
    ({"id": "Shop"}, "id"),
    ({"id": "-a"}, "id"),
    ({"id": "a\n"}, "id"),
    ({"id": "a" * 65}, "id"),
    ({"id": "a", "name": " "}, "name"),
    ({"id": "a", "name": "a\u0000b"}, "name"),
    ({"id": "a", "timezone": "Mars/Olympus"}, "timezone"),
    ({"id": "a", "settings": []}, "settings"),
    ({"id": "a", "settings": {"a": "x" * 9000}}, "settings"),
    ({"id": "a", "settings": {"a": 10**30}}, "settings"),
    ({"id": "a", "archived": 1}, "archived"),
    ([], "body"),
]


async def test_a_site_that_cannot_be_is_refused_by_the_field(api: Api) -> None:
    for body, parameter in NO_SITES:
        answer = await api.ask("POST", "/api/v1/sites", json=body)

        assert answer.status_code == 400, body
        assert parameter in [error["parameter"] for error in answer.json()["errors"]], body


NO_BODIES = (b"", b"{", b"\xff", b"[[[[", b'{"id":"a","\\ud800":1}', b'{"id":NaN}', b"[" * 100_000, b'{"id":"\\ud800"}')


async def test_a_body_that_is_none_is_refused(api: Api) -> None:
    for path, body in product(("/api/v1/sites", "/api/v1/keys"), NO_BODIES):
        answer = await api.ask("POST", path, content=body, headers={"content-type": "application/json"})

        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"


async def test_tricks_in_ids_and_names_do_nothing_else(api: Api) -> None:
    before = (await api.ask("GET", "/api/v1/sites")).json()
    for trick in TRICKS:
        named = trick.replace("/", "%2F").replace("\u0000", "%00").replace("\n", "%0A")
        for path in (f"/api/v1/sites/{named}", f"/api/v1/keys/{named}"):
            for method in ("GET", "DELETE"):
                assert (await api.ask(method, path)).status_code in (307, 400, 404), (method, path)
        for body in ({"id": trick}, {"id": "ok", "name": trick, "timezone": trick}):
            assert (await api.ask("POST", "/api/v1/sites", json=body)).status_code == 400
        assert (await api.ask("POST", "/api/v1/keys", json={"name": "x", "site_id": trick})).status_code in (400, 404)
    assert (await api.ask("GET", "/api/v1/sites")).json() == before


async def test_lists_come_in_pages_of_one_form(api: Api) -> None:
    for number in range(5):
        await api.ask("POST", "/api/v1/sites", json={"id": f"s{number}"})
    for path in ("/api/v1/sites", "/api/v1/keys"):
        whole = (await api.ask("GET", path)).json()
        found: list[Any] = []
        page: dict[str, Any] = {"next_cursor": None}
        while not found or page["next_cursor"]:
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
            page = (await api.ask("GET", path, params={"limit": 2, **cursor})).json()
            assert set(page) == {"data", "next_cursor"}
            found += page["data"]

        assert found == whole["data"]
        assert whole["next_cursor"] is None


async def test_keys_of_one_site_are_listed_alone(api: Api) -> None:
    await made_key(api, site_id="blog", name="of the blog")
    found = (await api.ask("GET", "/api/v1/keys", params={"site_id": "blog"})).json()["data"]

    assert [key["name"] for key in found] == ["of the blog"]
    assert (await api.ask("GET", "/api/v1/keys", params={"site_id": "rival"})).status_code == 404


async def test_a_key_is_shown_once_and_works(api: Api) -> None:
    made = await made_key(api, scopes=["admin", "stats:read"])
    listed = await api.ask("GET", "/api/v1/keys", params={"limit": 200})
    one = await api.ask("GET", f"/api/v1/keys/{made['id']}")

    assert credential.has_shape(made["key"])
    assert made["key"].startswith(made["prefix"])
    assert made["key"] not in listed.text + one.text
    assert one.json() == {name: value for name, value in made.items() if name != "key"}
    assert await works(api, made["key"])


async def test_the_first_seeds_request_makes_a_key(api: Api) -> None:
    made = await api.ask("POST", "/api/v1/settings/keys", "shop_admin", json={"name": "Production"})

    assert made.status_code == 201
    assert (made.json()["site_id"], made.json()["scopes"]) == ("shop", ["events:write"])
    assert (await api.ask("DELETE", f"/api/v1/settings/keys/{made.json()['id']}")).status_code == 204


async def test_a_key_without_a_site_is_for_the_only_one(api: Api) -> None:
    assert (await api.ask("POST", "/api/v1/keys", "rival", json={"name": "x"})).json()["site_id"] == "rival"
    two = await api.ask("POST", "/api/v1/keys", json={"name": "x"})

    assert two.status_code == 400
    assert two.json()["errors"][0]["parameter"] == "site_id"


async def test_a_page_key_says_so_and_keeps_its_origins(api: Api) -> None:
    made = await made_key(api, public=True, origins=["https://shop.example", "https://*.example.org:8443"])

    assert made["key"].startswith("pulse_site_")
    assert made["origins"] == ["https://shop.example", "https://*.example.org:8443"]


NO_KEYS: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"scopes": []}, "scopes"),
    ({"scopes": ["everything"]}, "scopes.0"),
    ({"public": True}, "origins"),
    ({"public": True, "origins": ["*"], "scopes": ["stats:read"]}, "scopes"),
    ({"public": True, "origins": ["*"], "scopes": ["events:write", "admin"]}, "scopes"),
    ({"origins": ["https://a.example"]}, "origins"),
    ({"public": True, "origins": ["a.example"]}, "origins.0"),
    ({"public": True, "origins": ["https://a.example/path"]}, "origins.0"),
    ({"public": True, "origins": ["https://a.example\n"]}, "origins.0"),
    ({"expires": 1}, "expires"),
    ({"expires": "soon"}, "expires"),
    ({"revoked": None}, "revoked"),
]


async def test_a_key_that_cannot_be_is_refused_by_the_field(api: Api) -> None:
    for wanted, parameter in NO_KEYS:
        answer = await api.ask("POST", "/api/v1/keys", json={"name": "x", "site_id": "shop"} | wanted)

        assert answer.status_code == 400, wanted
        assert [error["parameter"] for error in answer.json()["errors"]] == [parameter], wanted


async def test_a_revoked_key_ends_at_once(api: Api) -> None:
    made = await made_key(api, scopes=["admin"])
    assert await works(api, made["key"])

    assert (await api.ask("DELETE", f"/api/v1/keys/{made['id']}")).status_code == 204
    assert not await works(api, made["key"])
    assert (await api.ask("GET", f"/api/v1/keys/{made['id']}")).json()["revoked"] is not None
    assert (await api.ask("DELETE", f"/api/v1/keys/{made['id']}")).status_code == 204


async def test_keys_of_an_archived_site_end_at_once(api: Api) -> None:
    assert await works(api, api.keys["shop_admin"])
    await api.ask("DELETE", "/api/v1/sites/shop")

    assert not await works(api, api.keys["shop_admin"])
    assert await works(api, api.keys["admin"])


async def test_rotation_under_load_turns_nobody_away(api: Api) -> None:
    old = await made_key(api, scopes=["admin"])
    done = asyncio.Event()

    async def use() -> list[bool]:
        found = []
        while not done.is_set():
            found.append(await works(api, old["key"]))
        return found

    users = [asyncio.create_task(use()) for _ in range(3)]
    new = await api.ask("POST", f"/api/v1/keys/{old['id']}/rotate", json={"overlap_hours": 1})
    for _ in range(5):
        assert await works(api, new.json()["key"])
    done.set()

    assert new.status_code == 201
    assert all(all(answers) and answers for answers in await asyncio.gather(*users))
    left = (await api.ask("GET", f"/api/v1/keys/{old['id']}")).json()["expires"] - time.time() * 1000
    assert 3_500_000 < left <= 3_600_000


async def test_rotation_without_overlap_ends_the_old_key(api: Api) -> None:
    old = await made_key(api, scopes=["admin"])
    assert await works(api, old["key"])
    new = await api.ask("POST", f"/api/v1/keys/{old['id']}/rotate", json={"overlap_hours": 0})

    assert not await works(api, old["key"])
    assert await works(api, new.json()["key"])
    assert (await api.ask("POST", f"/api/v1/keys/{old['id']}/rotate")).status_code == 404


async def test_use_is_seen(api: Api) -> None:
    made = await made_key(api, scopes=["admin"])
    assert (await api.ask("GET", f"/api/v1/keys/{made['id']}")).json()["last_used"] is None
    assert await works(api, made["key"])

    for _ in range(6_000):
        used = (await api.ask("GET", f"/api/v1/keys/{made['id']}")).json()["last_used"]
        if used is not None:
            break
        await asyncio.sleep(0.01)
    assert abs(used - time.time() * 1000) < 60_000


async def test_a_hundred_requests_look_a_key_up_once(api: Api) -> None:
    before = api.parts.keyring.lookups
    answers = [await works(api, api.keys["admin"]) for _ in range(100)]

    assert all(answers)
    assert api.parts.keyring.lookups - before <= 1


async def test_no_log_and_no_metric_shows_a_key(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = await made_key(api, scopes=["admin"])
    await works(api, made["key"])
    await api.ask("GET", "/api/v1/stats?metric=x", "reader")
    await api.ask("POST", f"/api/v1/keys/{made['id']}/rotate")
    shown = caplog.text + (await api.ask("GET", "/metrics", None)).text

    for key in (made["key"], api.keys["reader"], SECRET):
        assert key[-26:] not in shown


async def test_metrics_count_by_route_and_never_by_address(api: Api) -> None:
    await api.ask("GET", "/api/v1/sites/shop")
    await api.ask("GET", "/nothing/here")
    text = (await api.ask("GET", "/metrics", None)).text

    assert 'route="/api/v1/sites/{site_id}",status="200"' in text
    assert 'route="none",status="404"' in text
    assert "/nothing/here" not in text


async def test_readiness_names_what_is_down(api: Api) -> None:
    answer = await api.ask("GET", "/health/ready", None)

    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert answer.json()["checks"].items() >= {"redis": "ok", "store": "ok"}.items()
    assert "does not answer" in answer.json()["checks"]["clickhouse"]
