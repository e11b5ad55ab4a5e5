"""/replay: recorded sessions listed and played, each site's own, and the page that shows them."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from api.query.recordings import route
from pulse.recordings.store import Objects
from tests.querying import Api, querying, settings_of
from tests.recordings import moment, put, recorded, visit

BEGIN = moment("2026-06-14 23:59:50")


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, recordings_url="folder")) as made:
        yield made


@pytest.fixture
def objects(api: Api) -> Objects:
    assert api.parts.recordings is not None
    return api.parts.recordings


async def test_a_session_is_played_in_order_and_in_pages(api: Api, objects: Objects) -> None:
    lines = visit(1, BEGIN, events=20)
    for some in (lines[10:], lines[:10], lines[5:15]):
        put(objects, "shop", [recorded(line, url="https://shop.example/") for line in some])
    whole = (await api.ask("GET", "/replay/sessions/s1", "reader")).json()
    assert [each["event_id"] for each in whole["data"]] == [line["event_id"] for line in lines]
    assert (whole["started_at"], whole["ended_at"], whole["total"]) == (BEGIN, BEGIN + 19_000, 20)
    assert whole["next_offset"] is None
    parts, offset = [], 0
    while offset is not None:
        asked = {"limit": 7, "offset": offset}
        page = (await api.ask("GET", "/replay/sessions/s1", "reader", params=asked)).json()
        parts += page["data"]
        offset = page["next_offset"]
    assert parts == whole["data"]


async def test_sessions_are_listed_those_that_began_last_first(api: Api, objects: Objects) -> None:
    for number in range(5):
        lines = visit(number, BEGIN + number * 3_600_000, events=3)
        put(objects, "shop", [recorded(line, visitor_id=f"v{number % 2}") for line in lines])
    first = (await api.ask("GET", "/replay/sessions", "reader", params={"limit": 3})).json()
    assert [each["session_id"] for each in first["data"]] == ["s4", "s3", "s2"]
    assert (first["limit"], first["offset"], first["next_offset"]) == (3, 0, 3)
    rest = (await api.ask("GET", "/replay/sessions", "reader", params={"limit": 3, "offset": 3})).json()
    assert [each["session_id"] for each in rest["data"]] == ["s1", "s0"]
    assert rest["next_offset"] is None
    asked = {"visitor_id": "v1", "sort": "started_at_desc"}
    theirs = (await api.ask("GET", "/replay/sessions", "reader", params=asked)).json()
    assert [each["session_id"] for each in theirs["data"]] == ["s3", "s1"]
    assert theirs["limit"] == 50
    assert theirs["data"][0]["started_at"] == BEGIN + 3 * 3_600_000


async def test_what_is_read_too_long_is_504_and_says_what_helps(
    api: Api, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(objects, "shop", [recorded(line) for line in visit(1, BEGIN)])
    listed = await api.ask("GET", "/replay/sessions", "reader", params={"before": "2026-06-15"})
    assert [each["session_id"] for each in listed.json()["data"]] == ["s1"]
    none = await api.ask("GET", "/replay/sessions", "reader", params={"before": "2026-06-14"})
    assert none.json()["data"] == []
    monkeypatch.setattr(route, "READ_S", -1.0)
    for path in ("/replay/sessions", "/replay/sessions/s1"):
        answer = await api.ask("GET", path, "reader")
        assert answer.status_code == 504
        assert "before" in answer.json()["detail"]


async def test_each_site_has_its_own(api: Api, objects: Objects) -> None:
    for site in ("shop", "blog", "rival"):
        put(objects, site, [recorded(line, url=f"https://{site}/") for line in visit(1, BEGIN)])
    for key, site in (("reader", "shop"), ("rival_reader", "rival")):
        listed = (await api.ask("GET", "/replay/sessions", key)).json()["data"]
        assert [each["site_id"] for each in listed] == [site]
        played = (await api.ask("GET", "/replay/sessions/s1", key)).json()
        assert {each["url"] for each in played["data"]} == {f"https://{site}/"}
    assert (await api.ask("GET", "/replay/sessions", "admin", params={"site_id": "blog"})).status_code == 200
    for path in ("/replay/sessions", "/replay/sessions/s1"):
        for key, other in (("reader", "blog"), ("rival", "shop"), ("admin", "rival")):
            texts = []
            for site in (other, "nowhere"):
                answer = await api.ask("GET", path, key, params={"site_id": site})
                assert answer.status_code == 404
                texts.append(answer.text.replace(site, "SITE"))
            assert texts[0] == texts[1]
        assert (await api.ask("GET", path, "admin")).json()["errors"][0]["parameter"] == "site_id"


@pytest.mark.parametrize("named", ["a/b/../c", "größe ?&", "x" * 200, "..", "%2e%2e"])
async def test_a_session_may_be_called_anything(api: Api, objects: Objects, named: str) -> None:
    put(objects, "shop", [recorded(line, named) for line in visit(1, BEGIN)])
    [listed] = (await api.ask("GET", "/replay/sessions", "reader")).json()["data"]
    assert listed["session_id"] == named
    if named != "..":  # what a client resolves before it asks
        answer = await api.ask("GET", f"/replay/sessions/{quote(named, safe='')}", "reader")
        assert answer.json()["total"] == 10


@pytest.mark.parametrize(
    ("path", "params", "parameter"),
    [
        ("", {"limit": "101"}, "limit"),
        ("", {"limit": "0"}, "limit"),
        ("", {"limit": "many"}, "limit"),
        ("", {"offset": "-1"}, "offset"),
        ("", {"offset": "99999999999999999999"}, "offset"),
        ("", {"sort": "started_at_asc"}, "sort"),
        ("", {"visitor_id": ""}, "visitor_id"),
        ("", {"visitor_id": "x" * 201}, "visitor_id"),
        ("", {"visitor_id": "a\0b"}, "visitor_id"),
        ("", {"site_id": "x" * 65}, "site_id"),
        ("", {"day": "2026-06-14"}, "day"),
        ("", {"before": "yesterday"}, "before"),
        ("/s1", {"limit": "10001"}, "limit"),
        ("/s1", {"offset": "-1"}, "offset"),
        ("/s1", {"visitor_id": "v"}, "visitor_id"),
        ("/a%00b", {}, "session_id"),
        ("/" + "x" * 201, {}, "session_id"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_its_name(
    api: Api, path: str, params: dict[str, str], parameter: str
) -> None:
    answer = await api.ask("GET", f"/replay/sessions{path}", "reader", params=params)
    assert answer.status_code == 400
    assert [each["parameter"] for each in answer.json()["errors"]] == [parameter]


async def test_a_session_that_is_not_there_is_not_found(api: Api) -> None:
    answer = await api.ask("GET", "/replay/sessions/none", "reader")
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no recording of a session 'none'")
    assert (await api.ask("GET", "/replay/sessions", "reader")).json()["data"] == []


async def test_where_nothing_is_recorded_it_says_so(tmp_path: Path) -> None:
    async with querying(settings_of(tmp_path)) as api:
        for path in ("/replay/sessions", "/replay/sessions/s1"):
            answer = await api.ask("GET", path, "reader")
            assert answer.status_code == 404
            assert "PULSE_RECORDINGS_URL" in answer.json()["detail"]


async def test_a_store_that_is_away_is_503(tmp_path: Path, api: Api) -> None:
    (tmp_path / "recordings").rmdir()
    (tmp_path / "recordings").write_text("no folder")
    for path in ("/replay/sessions", "/replay/sessions/s1"):
        answer = await api.ask("GET", path, "reader")
        assert answer.status_code == 503
        assert "the store of recordings does not answer" in answer.json()["detail"]


async def test_the_page_loads_nothing_from_elsewhere_and_may_run_nothing_else(api: Api) -> None:
    page = await api.ask("GET", "/replay", None)
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    assert "unsafe" not in policy
    loaded = set(re.findall(r'(?:src|href)="([^"]+)"', page.text)) - {"data:,"}
    assert loaded == {"/replay/replay.js", "/replay/replay.css"}
    assert not re.search(r"<style|style=|\son\w+=|<script>", page.text)
    for each in loaded:
        file = await api.ask("GET", each, None)
        assert file.status_code == 200
        assert "http://" not in file.text
        assert "innerHTML" not in file.text
