"""Answers are kept until more is stored of their site; equal questions at one moment are one."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client import REGISTRY
from redis import Redis

from api.query.cache import AnswerCache, GoneError, now_ms
from api.query.entry import Entry, read
from api.query.pace import MOST_MS, due_ms
from api.query.reports import NOW_MS
from clickhouse.client import Client
from clickhouse.sink.changed import Changed
from deploy.local import port
from tests import services
from tests.eventually import eventually, eventually_told
from tests.migrated import migrate
from tests.querying import Api, Row, fill, querying, settings_of

TS = 1_772_668_800_000
RANGE = {"start_date": "2026-03-05", "end_date": "2026-03-05"}
QUESTION = {"metrics": ["events", "visitors"], **RANGE}


@pytest.fixture
def client(clickhouse_url: str) -> Iterator[Client]:
    """A database with an event of each of two sites."""
    name = f"test_{uuid4().hex[:12]}"
    outside = Client(clickhouse_url, "default")
    outside.command(f"CREATE DATABASE {name}")
    made = Client(f"{clickhouse_url}/{name}")
    migrate(made)
    fill(made, [Row("shop", "page_view", TS), Row("rival", "page_view", TS)])
    yield made
    made.close()
    outside.command(f"DROP DATABASE {name} SYNC")
    outside.close()


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as made:
        made.flushdb()
        yield made


@pytest.fixture
async def api(tmp_path: Path, clickhouse_url: str, client: Client, redis_url: str, redis: Redis) -> AsyncIterator[Api]:
    settings = settings_of(tmp_path, clickhouse_url=f"{clickhouse_url}/{client.database}", redis_url=redis_url)
    async with querying(settings) as made:
        yield made


def store(client: Client, events: int) -> None:
    """As many events of the shop as these."""
    fill(client, [Row("shop", "page_view", TS + n) for n in range(events)])


def events(answered: httpx.Response) -> int:
    assert answered.status_code == 200, answered.text
    return int(answered.json()["totals"]["events"])


async def ask(api: Api, key: str = "reader", **more: Any) -> httpx.Response:
    return await api.ask("POST", "/api/v1/query", key, json=QUESTION | more)


async def ask_anew(api: Api, key: str = "reader") -> httpx.Response:
    """The first answer that is made anew, which is due a few seconds after the last at most."""
    found = []

    async def is_made() -> bool:
        found.append(await ask(api, key))
        return found[-1].headers["x-cache"] == "miss" or found[-1].text != found[0].text  # each tells how long it took

    await eventually_told(is_made, within=MOST_MS / 1000 + 1)
    return found[-1]


async def test_an_answer_is_kept_until_the_sink_says_that_more_was_stored(
    api: Api, client: Client, redis_url: str
) -> None:
    changed = Changed(redis_url)
    eventually(lambda: Redis.from_url(redis_url).get("pulse:changes"))
    first, again = await ask(api), await ask(api)
    store(client, 3)
    kept = await ask(api)
    changed.note(["shop"])
    eventually(lambda: Redis.from_url(redis_url).get("pulse:changes:shop"))
    anew = await ask_anew(api)
    changed.close()
    assert [first.headers["x-cache"], again.headers["x-cache"], kept.headers["x-cache"]] == ["miss", "hit", "hit"]
    assert again.json() == first.json()
    assert (events(first), events(kept)) == (1, 1)
    assert events(anew) == 4


def kept(redis: Redis) -> Entry | None:
    """The one answer that is kept."""
    (name,) = redis.keys("pulse:answer:*")
    found: Any = redis.get(name)
    return read(found or b"")


async def is_kept_anew(redis: Redis, last: Entry) -> None:
    """Wait until another answer is kept, which may be given before that."""

    async def is_other() -> bool:
        return kept(redis) != last

    await eventually_told(is_other, within=5, every=0.01)


async def test_where_events_never_cease_a_question_is_not_asked_anew_each_time(api: Api, redis: Redis) -> None:
    asked = {"metric": "event_count", "period": "24h", "group_by": "day"}
    assert (await api.stats(**asked)).headers["x-cache"] == "miss"
    for _ in range(20):
        last = kept(redis)
        assert last is not None
        redis.incr("pulse:changes:shop")
        if (await api.stats(**asked)).headers["x-cache"] == "miss":  # where little is asked, one is due soon
            assert now_ms() - last.made_ms >= due_ms(last.cost_ms, 0)
            await is_kept_anew(redis, last)
    assert (await api.stats(**asked, bots="exclude")).headers["x-cache"] == "miss"
    note = {"site_id": "shop", "time": str(TS), "text": "a release"}
    assert (await api.ask("POST", "/api/v1/annotations", "admin", json=note)).status_code == 201
    assert (await api.stats(**asked)).headers["x-cache"] == "miss"


async def test_who_is_there_now_is_told_anew_within_two_seconds(api: Api, redis: Redis) -> None:
    first = await api.ask("GET", "/api/v1/reports/realtime", "reader")

    async def is_made() -> bool:
        redis.incr("pulse:changes:shop")
        return (await api.ask("GET", "/api/v1/reports/realtime", "reader")).text != first.text

    await eventually_told(is_made, within=NOW_MS / 1000 + 2)


async def test_what_changes_for_one_site_leaves_the_answers_of_others(api: Api, redis: Redis) -> None:
    await ask(api)
    await ask(api, "rival_reader")
    redis.incr("pulse:changes:rival")
    await ask_anew(api, "rival_reader")
    assert (await ask(api)).headers["x-cache"] == "hit"


async def test_a_site_is_never_answered_with_what_another_asked(api: Api, client: Client) -> None:
    store(client, 5)
    shop, rival = await ask(api), await ask(api, "rival_reader")
    assert (events(shop), events(rival)) == (6, 1)
    assert rival.headers["x-cache"] == "miss"


async def test_keys_that_may_not_ask_are_not_answered_from_what_is_kept(api: Api) -> None:
    await ask(api)
    assert (await ask(api, "writer")).status_code == 403
    assert (await ask(api, "rival_reader", site_id="shop")).status_code == 404
    assert (await api.ask("POST", "/api/v1/query", None, json=QUESTION)).status_code == 401


async def test_another_question_is_another_answer(api: Api) -> None:
    await ask(api)
    for more in ({"bots": "exclude"}, {"timezone": "America/New_York"}, {"granularity": "hour"}):
        assert (await ask(api, **more)).headers["x-cache"] == "miss", more


async def test_what_is_asked_word_for_word_again_is_answered_as_what_was_altered_since(api: Api) -> None:
    asked = {"metric": "event_count", "start_date": "2026-03-05", "end_date": "2026-03-05", "group_by": "hour"}
    for zone in ("Europe/Vienna", "America/New_York", "UTC"):
        change = {"timezone": zone}
        assert (await api.ask("PATCH", "/api/v1/sites/shop", "admin", json=change)).status_code == 200
        found = [await api.stats(**asked) for _ in range(6)]
        assert {each.json()["data"]["timezone"] for each in found} == {zone}
        assert [each.headers["x-cache"] for each in found] == ["miss", *["hit"] * 5]
        assert len({each.text for each in found}) == 1
        assert {each.headers["content-type"] for each in found} == {"application/json"}


async def test_what_is_asked_word_for_word_again_is_refused_to_a_key_that_was_revoked(api: Api) -> None:
    found = [await ask(api) for _ in range(6)]
    assert (await api.ask("DELETE", f"/api/v1/keys/{api.ids['reader']}", "admin")).status_code == 204
    assert (found[-1].headers["x-cache"], (await ask(api)).status_code) == ("hit", 401)


async def test_what_is_asked_word_for_word_again_is_measured_under_its_route(api: Api) -> None:
    labels = {"method": "POST", "route": "/api/v1/query", "status": "200"}
    before = REGISTRY.get_sample_value("pulse_query_seconds_count", labels) or 0
    for _ in range(6):
        await ask(api)
    assert REGISTRY.get_sample_value("pulse_query_seconds_count", labels) == before + 6


async def test_a_body_that_comes_in_pieces_is_the_same_question(api: Api) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for each in (b'{"metrics": ["events", "visitors"], ', b'"start_date": "2026-03-05", "end_date": "2026-03-05"}'):
            yield each

    whole = [await ask(api) for _ in range(4)]
    content = {"content-type": "application/json"}
    cut = await api.ask("POST", "/api/v1/query", "reader", content=pieces(), headers=content)
    assert cut.status_code == 200, cut.text
    assert cut.json()["totals"] == whole[0].json()["totals"]


async def test_a_hundred_equal_questions_are_one(api: Api, client: Client) -> None:
    marker: dict[str, Any] = {"filter": {"field": "title", "op": "eq", "value": uuid4().hex}}
    answers = await asyncio.gather(*(ask(api, **marker) for _ in range(100)))
    found = sorted(each.headers["x-cache"] for each in answers)
    assert found.count("miss") <= 2, found  # the second where Redis does not answer all of them in time
    assert len({each.text for each in answers}) <= found.count("miss")  # each tells how long it took


async def test_a_question_that_is_wrong_is_wrong_for_all_and_not_kept(api: Api) -> None:
    wrong = await asyncio.gather(*(ask(api, metrics=["nothing"]) for _ in range(5)))
    assert {each.status_code for each in wrong} == {400}
    assert (await ask(api, metrics=["nothing"])).status_code == 400


async def test_an_answer_about_a_cohort_is_no_older_than_the_cohort(api: Api) -> None:
    body = {"site_id": "shop", "name": "c", "definition": {"did": {"event": "page_view"}}}
    cohort = (await api.ask("POST", "/api/v1/cohorts", "admin", json=body)).json()["id"]
    filter_: dict[str, Any] = {"filter": {"cohort": cohort}}
    assert [(await ask(api, **filter_)).headers["x-cache"] for _ in range(2)] == ["miss", "hit"]
    change = {"definition": {"did": {"event": "purchase"}}}
    assert (await api.ask("PATCH", f"/api/v1/cohorts/{cohort}", "admin", json=change)).status_code == 200
    anew = await ask(api, **filter_)
    assert (anew.headers["x-cache"], events(anew)) == ("miss", 0)


async def test_who_waits_for_one_that_goes_away_asks_anew_once() -> None:
    cache, asked = AnswerCache(f"redis://127.0.0.1:{port.free()}/0", 300), 0
    leaving = asyncio.Event()

    async def make() -> bytes:
        nonlocal asked
        asked += 1
        if asked == 1:
            await leaving.wait()
            raise GoneError("gone")
        await asyncio.sleep(0.05)
        return b"{}"

    first = asyncio.create_task(cache.answer("shop", b"?", 60, make))
    others = [asyncio.create_task(cache.answer("shop", b"?", 60, make)) for _ in range(50)]
    await asyncio.sleep(0.05)
    leaving.set()
    found = await asyncio.gather(*others)
    with pytest.raises(GoneError):
        await first
    assert asked == 2
    assert sorted({told.found for told in found}) == ["miss", "shared"]
    await cache.close()


async def test_a_body_in_another_encoding_is_a_question_like_any_other(api: Api) -> None:
    body = json.dumps(QUESTION).encode("utf-16")
    told = await api.ask("POST", "/api/v1/query", "reader", content=body, headers={"content-type": "application/json"})
    assert told.status_code == 200, told.text


async def test_without_redis_every_question_is_answered_anew(
    tmp_path: Path, clickhouse_url: str, client: Client
) -> None:
    async with querying(settings_of(tmp_path, clickhouse_url=f"{clickhouse_url}/{client.database}")) as api:
        first = await ask(api)
        store(client, 3)
        anew = await ask(api)
    assert [first.headers["x-cache"], anew.headers["x-cache"]] == ["miss", "miss"]
    assert (events(first), events(anew)) == (1, 4)


async def test_nothing_is_kept_where_that_is_set(
    tmp_path: Path, clickhouse_url: str, client: Client, redis_url: str, redis: Redis
) -> None:
    url = f"{clickhouse_url}/{client.database}"
    async with querying(settings_of(tmp_path, clickhouse_url=url, redis_url=redis_url, cache_seconds=0)) as api:
        assert [(await ask(api)).headers["x-cache"] for _ in range(2)] == ["miss", "miss"]
    assert not redis.keys("pulse:answer:*")


async def test_a_range_that_ends_now_is_kept_for_a_sixtieth_of_its_length(api: Api, redis: Redis) -> None:
    await api.stats(metric="event_count", period="10m")
    (name,) = redis.keys("pulse:answer:*")
    assert 0 < redis.ttl(name) <= 10


@pytest.mark.parametrize(
    "path",
    ["/api/v1/reports/pages", "/api/v1/reports/sources", "/api/v1/reports/audience", "/api/v1/reports/realtime"],
)
async def test_reports_are_kept_too(api: Api, path: str) -> None:
    found = [await api.ask("GET", path, "reader") for _ in range(2)]
    assert [each.headers["x-cache"] for each in found] == ["miss", "hit"]
    assert found[0].json() == found[1].json()


def test_changes_are_counted_once_redis_is_back(tmp_path: Path) -> None:
    service = services.redis(tmp_path)
    changed = Changed(service.url)
    changed.note(["shop"])
    service.start()
    with Redis.from_url(service.url) as redis:
        eventually(lambda: redis.get("pulse:changes:shop") == b"1")
        for _ in range(100):
            changed.note(["shop"])
        eventually(lambda: redis.get("pulse:changes:shop") != b"1")
        assert int(redis.get("pulse:changes:shop") or 0) < 10
    changed.close()
    service.kill()


def test_a_sink_ends_soon_where_redis_is_away() -> None:
    changed = Changed(f"redis://127.0.0.1:{port.free()}/0")
    changed.note(["shop"])
    changed.close()
