"""Alert rules over HTTP: kept, changed, refused where they cannot be, tried over stored minutes."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import json

from api.query import standing
from clickhouse.alerting import Firing
from clickhouse.client import Client
from clickhouse.sink.alerts import notices_of, rows_of
from pulse.alerting.rule import Rule
from pulse.alerting.selector import selector_of
from pulse.alerting.site import Site
from pulse.alerting.telling import notice_of
from pulse.alerting.watched import Watched
from pulse.minute import MINUTE_MS, Partial
from pulse.notice import Notice
from pulse.outbound.summary import summary_of
from pulse.settings import Settings
from pulse.topics import ALERTS
from streams.broker import Broker
from streams.topics import create
from tests.eventually import eventually
from tests.querying import Api, Row, fill, querying, settings_of
from tests.storing import delete_topics

RULE: dict[str, Any] = {
    "name": "Much",
    "site_id": "shop",
    "metric": "events",
    "window_minutes": 1,
    "condition": {"kind": "threshold", "operator": ">", "value": 4},
}


@pytest.fixture
def client(migrated: Client) -> Client:
    return migrated


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse: str, kafka: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse, kafka_url=kafka)) as made:
        yield made


async def made_rule(api: Api, key: str = "admin", **more: Any) -> dict[str, Any]:
    """A new rule."""
    answer = await api.ask("POST", "/api/v1/alerts", key, json=RULE | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_rule_is_made_read_changed_and_removed(api: Api) -> None:
    quiet = {"from": "22:00", "to": "07:00", "timezone": "Europe/Vienna"}
    made = await made_rule(api, quiet=quiet, group_by="country")
    path = f"/api/v1/alerts/{made['id']}"
    assert made["quiet"] == quiet | {"days": []}
    assert (await api.ask("GET", path, "reader")).json() == made | {"state": "ok", "groups_firing": 0}

    later = time.time_ns() // 1_000_000 + 3_600_000
    muted = await api.ask("PATCH", path, json={"muted": True, "snoozed_until": later})
    assert (muted.json()["muted"], muted.json()["snoozed_until"]) == (True, later)
    assert muted.json()["changed"] == made["changed"]
    replaced = await api.ask("PUT", path, json=RULE | {"window_minutes": 9})
    assert (replaced.json()["window_minutes"], replaced.json()["quiet"]) == (9, None)
    assert replaced.json()["changed"] > made["changed"]

    child = await made_rule(api, depends_on=made["id"])
    assert (await api.ask("DELETE", path)).status_code == 409
    assert (await api.ask("DELETE", f"/api/v1/alerts/{child['id']}")).status_code == 204
    assert (await api.ask("DELETE", path)).status_code == 204
    assert (await api.ask("GET", path)).status_code == 404
    assert (await api.ask("GET", "/api/v1/alerts")).json()["data"] == []


async def test_rules_come_in_pages_and_are_ones_own(api: Api) -> None:
    for number in range(3):
        await made_rule(api, name=f"rule {number}")
    await made_rule(api, site_id="blog")
    first = (await api.ask("GET", "/api/v1/alerts", params={"limit": 2, "site_id": "shop"})).json()
    rest = (await api.ask("GET", "/api/v1/alerts", params={"site_id": "shop", "cursor": first["next_cursor"]})).json()
    assert (len(first["data"]), len(rest["data"]), rest["next_cursor"]) == (2, 1, None)
    assert len((await api.ask("GET", "/api/v1/alerts", "reader")).json()["data"]) == 3
    foreign = first["data"][0]["id"]
    for method in ("GET", "DELETE"):
        assert (await api.ask(method, f"/api/v1/alerts/{foreign}", "rival")).status_code == 404
    assert (await api.ask("POST", "/api/v1/alerts", "rival", json=RULE)).status_code == 404
    assert (await api.ask("POST", "/api/v1/alerts", "reader", json=RULE)).status_code == 403


async def test_a_key_for_alerts_alone_may_keep_rules_and_no_more(api: Api) -> None:
    wanted = {"name": "alerts", "site_id": "shop", "scopes": ["alerts:write"]}
    key = (await api.ask("POST", "/api/v1/keys", json=wanted)).json()["key"]
    answer = await api.http.post("/api/v1/alerts", json=RULE, headers={"x-api-key": key})
    assert answer.status_code == 201
    assert (await api.http.get("/api/v1/sites", headers={"x-api-key": key})).status_code == 403


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"metric": "leads"}, "is none of events, revenue, bot_share, ratio, visitors"),
    ({"metric": "visitors", "condition": {"kind": "anomaly"}}, "an anomaly is not for visitors"),
    ({"metric": "revenue"}, "currency is required"),
    ({"metric": "ratio"}, "of is required"),
    ({"group_by": "page"}, "is none of event, country, device_type"),
    ({"window_minutes": 0}, "greater than or equal to 1"),
    ({"window_minutes": 10_081}, "less than or equal to 10080"),
    ({"condition": {"kind": "threshold", "operator": "=>", "value": 1}}, "Input should be"),
    ({"condition": {"kind": "threshold", "operator": "<", "value": 0}}, "is always the same"),
    ({"condition": {"kind": "threshold", "operator": ">", "value": 9, "resolve": 10}}, "resolve"),
    ({"condition": {"kind": "forecast"}}, "does not match any of the expected tags"),
    ({"condition": {"kind": "relative", "against": "day", "operator": "<", "percent": -101}}, "by more than 100"),
    ({"condition": {"kind": "no_data"}, "group_by": "country"}, "group_by is not for no_data"),
    ({"quiet": {"from": "25:00", "to": "07:00"}}, "String should match"),
    ({"quiet": {"from": "22:00", "to": "07:00", "timezone": "Mars/Olympus"}}, "IANA"),
    ({"condition": {"kind": "threshold", "operator": ">", "value": "NaN"}}, "finite"),
    ({"metric": "ratio", "of": ["a", "b"], "over": ["b", "a", "b"]}, "over: names the very events that of names"),
    ({"unknown": 1}, "Extra inputs"),
    ({"windowMinutes": 1}, "windowMinutes: Extra inputs are not permitted; did you mean window_minutes?"),
    ({"countries": ["AT"]}, "did you mean where.countries?"),
    ({"condition": {"kind": "no_data", "z": 3}}, "condition.no_data.z: Extra inputs are not permitted"),
]


async def test_what_cannot_be_watched_is_refused_and_says_why(api: Api) -> None:
    for wrong, why in IMPOSSIBLE:
        answer = await api.ask("POST", "/api/v1/alerts", json=RULE | wrong)
        assert answer.status_code == 400, wrong
        assert why in answer.json()["detail"], (wrong, answer.json()["detail"])
    assert (await api.ask("POST", "/api/v1/alerts", json=RULE | {"depends_on": "rule_0"})).status_code == 404


async def test_a_fault_is_told_of_its_field(api: Api) -> None:
    at: list[tuple[dict[str, Any], str]] = [
        ({"metric": "revenue"}, "currency"),
        ({"where": {"risk": ["high"]}}, "where.risk"),
        ({"condition": {"kind": "threshold", "operator": ">", "value": 9, "resolve": 10}}, "condition.resolve"),
        ({"metric": "visitors", "window_minutes": 1_441}, "window_minutes"),
        ({"condition": {"kind": "threshold", "operator": ">", "value": True}}, "condition.threshold.value"),
        ({"where": {"countries": ["Austria"]}}, "where.countries.0"),
        ({"quiet": {"from": "22:00", "to": "22:00"}}, "quiet.to"),
        ({"condition": {"kind": "no_data"}, "min_volume": 1}, "min_volume"),
        ({"metric": "ratio", "of": ["a"], "over": ["a"]}, "over"),
    ]
    for wrong, place in at:
        answer = await api.ask("POST", "/api/v1/alerts", json=RULE | wrong)
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, place), wrong
        rule = {name: value for name, value in (RULE | wrong).items() if name not in ("name", "site_id")}
        tried = await api.ask("POST", "/api/v1/alerts/backtest", json={"site_id": "shop", "rule": rule})
        assert (tried.status_code, tried.json()["errors"][0]["parameter"]) == (400, f"rule.{place}"), wrong


async def test_a_snooze_lies_ahead_or_is_ended(api: Api) -> None:
    path = f"/api/v1/alerts/{(await made_rule(api))['id']}"
    now = time.time_ns() // 1_000_000
    for wrong in (5, now - 1_000, True, "soon"):
        answer = await api.ask("PATCH", path, json={"snoozed_until": wrong})
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "snoozed_until"), wrong
    snoozed = await api.ask("PATCH", path, json={"snoozed_until": now + 60_000})
    ended = await api.ask("PATCH", path, json={"snoozed_until": None})
    assert [each.json()["snoozed_until"] for each in (snoozed, ended)] == [now + 60_000, None]


async def test_a_backtest_tells_how_often_a_rule_would_have_fired(api: Api, client: Client) -> None:
    now = int(time.time() * 1000) // MINUTE_MS * MINUTE_MS
    hour = 60 * MINUTE_MS
    rows = [
        Row("shop", "click", now - ago * hour + n, country="AT")
        for ago, many in ((2, 5), (5, 4), (9, 7))
        for n in range(many)
    ]
    fill(client, [*rows, *(Row("rival", "click", now - hour) for _ in range(9))])
    made = await made_rule(api)
    asked = await api.ask("POST", f"/api/v1/alerts/{made['id']}/backtest", "reader", json={"days": 1})
    found = asked.json()
    assert found["fired"] == 2
    assert [(each["fired"] - now, each["value"]) for each in found["firings"]] == [
        (MINUTE_MS - 9 * hour, 7),
        (MINUTE_MS - 2 * hour, 5),
    ]
    assert all(each["resolved"] == each["fired"] + MINUTE_MS for each in found["firings"])
    rule = {name: value for name, value in RULE.items() if name not in ("name", "site_id")}
    trial: dict[str, Any] = {
        "site_id": "shop",
        "days": 1,
        "rule": rule | {"condition": RULE["condition"] | {"value": 6}},
    }
    assert (await api.ask("POST", "/api/v1/alerts/backtest", json=trial)).json()["fired"] == 1
    trial["rule"] |= {"group_by": "country", "where": {"events": ["click"]}}
    grouped = (await api.ask("POST", "/api/v1/alerts/backtest", json=trial)).json()["firings"]
    assert [each["group"] for each in grouped] == ["AT"]


async def test_the_rules_of_a_site_take_so_much_memory_and_no_more(api: Api) -> None:
    wide: dict[str, Any] = {"condition": {"kind": "anomaly", "direction": "both"}, "group_by": "country"}
    made = [await made_rule(api, **wide) for _ in range(12)]
    refused = await api.ask("POST", "/api/v1/alerts", json=RULE | wide)
    assert (refused.status_code, "too many minutes and groups" in refused.json()["detail"]) == (409, True)
    small = await made_rule(api)
    assert (await api.ask("PUT", f"/api/v1/alerts/{small['id']}", json=RULE | wide)).status_code == 409
    assert (await api.ask("PUT", f"/api/v1/alerts/{made[0]['id']}", json=RULE | wide)).status_code == 200
    assert (await api.ask("DELETE", f"/api/v1/alerts/{made[0]['id']}")).status_code == 204
    await made_rule(api, **wide)
    await made_rule(api, site_id="blog", **wide)


async def test_backtests_wait_for_their_turn_and_reports_do_not(api: Api) -> None:
    made = await made_rule(api)
    path = f"/api/v1/alerts/{made['id']}"
    await api.parts.backtest_turns.acquire()
    waiting = asyncio.create_task(api.ask("POST", f"{path}/backtest", json={"days": 1}))
    assert (await api.ask("GET", f"{path}/history")).status_code == 200
    assert not waiting.done()
    api.parts.backtest_turns.release()
    assert (await waiting).status_code == 200


async def test_a_test_is_told_in_the_log_and_marked(api: Api, kafka: str) -> None:
    delete_topics(kafka)
    eventually(lambda: create(Settings(kafka_url=kafka, partitions=3)))
    made = await made_rule(api)
    answer = await api.ask("POST", f"/api/v1/alerts/{made['id']}/test")
    assert answer.status_code == 202, answer.text
    records = [m for partition in range(3) for m in Broker(kafka).read((ALERTS, partition), 0)]
    [notice] = [json.decode(message.value() or b"") for message in records]
    assert (notice["id"], notice["site_id"], notice["data"]["test"]) == (answer.json()["id"], "shop", True)
    real = Notice(id="real", kind="alert.firing", site_id="shop", at=1, data={"rule_id": made["id"], "rule": "Much"})
    tested, told = (summary_of(each) for each in (msgspec.convert(notice, Notice), real))
    assert tested.key != told.key
    assert (tested.title, told.title) == ("alert.firing: Much (test)", "alert.firing: Much")
    assert (await api.ask("POST", f"/api/v1/alerts/{made['id']}/test", "reader")).status_code == 403


async def test_history_is_told_latest_first_and_each_notice_once(api: Api, client: Client) -> None:
    made = await made_rule(api)
    rule = Rule.model_validate({name: RULE[name] for name in ("metric", "window_minutes", "condition")})
    site = Site([Watched(made["id"], "shop", "Much", rule, selector_of(rule), 0)])
    notices = []
    for minute in range(1_000, 1_006):
        site.add(Partial(site_id="shop", minute=minute * MINUTE_MS, event="click", events=9 * (minute % 2)))
        notices += [notice_of(told, (minute + 1) * MINUTE_MS) for told in site.close(minute)]
    values = [json.encode(notice) for notice in (*notices, *notices)]
    client.insert("alert_history", rows_of(notices_of(values)))
    client.insert("alert_history", rows_of(notices_of(values[:2])))
    path = f"/api/v1/alerts/{made['id']}/history"
    found = (await api.ask("GET", path, "reader", params={"limit": 2})).json()
    rest = (await api.ask("GET", path, "reader", params={"cursor": found["next_cursor"]})).json()
    assert [each["id"] for each in found["data"] + rest["data"]] == [notice.id for notice in reversed(notices)]
    assert {"firing", "resolved"} == {each["kind"] for each in rest["data"]}
    assert found["data"][0]["reason"] == notices[-1].data["reason"]
    assert (await api.ask("GET", "/api/v1/alerts/history", "reader")).json()["data"][0] == found["data"][0]
    assert (await api.ask("GET", path, "reader", params={"cursor": "x"})).status_code == 400


def told_of(site: Site, minutes: Iterable[int]) -> list[bytes]:
    """What rules tell of minutes in their order, as records of the log."""
    notices = [notice_of(told, (minute + 1) * MINUTE_MS) for minute in minutes for told in site.close(minute)]
    return [json.encode(notice) for notice in notices]


async def test_rules_come_with_where_they_stand(api: Api, client: Client) -> None:
    grouped = await made_rule(api, group_by="country")
    calm, off = await made_rule(api), await made_rule(api, enabled=False)
    silent = await made_rule(api, condition={"kind": "no_data"})
    rules = {
        each["id"]: Rule.model_validate({name: each[name] for name in ("metric", "group_by", "condition")})
        for each in (grouped, calm, silent)
    }
    site = Site([Watched(id, "shop", "Much", rule, selector_of(rule), 0) for id, rule in rules.items()])
    for country in ("AT", "DE"):
        site.add(Partial(site_id="shop", minute=1_000 * MINUTE_MS, event="x", country=country, events=9))
    values = told_of(site, (1_000, 1_004, 1_005, 1_006))
    client.insert("alert_history", rows_of(notices_of(values[:3])))
    before = {each["id"]: each for each in (await api.ask("GET", "/api/v1/alerts", "reader")).json()["data"]}
    assert (before[grouped["id"]]["state"], before[grouped["id"]]["groups_firing"]) == ("firing", 2)
    assert (before[calm["id"]]["state"], before[calm["id"]]["groups_firing"]) == ("firing", 1)
    client.insert("alert_history", rows_of(notices_of(values)))
    after = {each["id"]: each for each in (await api.ask("GET", "/api/v1/alerts")).json()["data"]}
    stands = {name: (each["state"], each["groups_firing"]) for name, each in after.items()}
    assert stands == {
        grouped["id"]: ("ok", 0),
        calm["id"]: ("ok", 0),
        off["id"]: ("off", 0),
        silent["id"]: ("no_data", 1),
    }
    one = (await api.ask("GET", f"/api/v1/alerts/{silent['id']}", "reader")).json()
    assert one == after[silent["id"]]


async def test_all_rules_are_asked_for_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        await made_rule(api, name=f"rule {number}")
    await made_rule(api, site_id="blog")
    asked: list[set[str]] = []

    def firing(_: Client, sites: set[str], before_ms: int) -> list[Firing]:
        asked.append(sites)
        return []

    monkeypatch.setattr(standing, "firing", firing)
    assert len((await api.ask("GET", "/api/v1/alerts")).json()["data"]) == 4
    assert asked == [{"shop", "blog"}]


@pytest.mark.parametrize("hangs", [False, True])
async def test_rules_come_without_the_store_too(tmp_path: Path, hangs: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        away = {"clickhouse_url": f"http://127.0.0.1:{silent.getsockname()[1]}/none"} if hangs else {}
        async with querying(settings_of(tmp_path, **away)) as api:
            api.parts.publisher.stop()
            made = await made_rule(api)
            began = time.monotonic()
            listed = await api.ask("GET", "/api/v1/alerts")
            took = time.monotonic() - began
            silent.close()  # which ends the connection that nobody took up
    assert listed.json()["data"] == [made | {"state": "unknown", "groups_firing": None}]
    assert took < standing.WITHIN_S + 3
