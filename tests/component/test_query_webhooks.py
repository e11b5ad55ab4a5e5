"""Webhooks over the API, as people manage them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from standardwebhooks.webhooks import Webhook

from api.control.dispatch import Dispatch, Heard
from api.control.outgoing import Endpoint
from api.control.seal import Seal
from pulse.notice import Notice
from tests.delivering import Outgoing, now_ms, until
from tests.querying import SECRET, Api, querying, settings_of
from tests.receiving import Receiver, Reply, receiving
from tests.unit.test_outbound_guard import OTHER_FORMS, PRIVATE, url_of

HOOKS = "/api/v1/webhooks"
SECRET_GIVEN = "whsec_" + "C" * 43 + "="


@pytest.fixture
async def api(tmp_path: Path, redis_url: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, redis_url=redis_url, webhook_allow="127.0.0.0/8")) as made:
        made.parts.publisher.stop()  # it would wait for a broker that is not there
        yield made


@pytest.fixture
async def public(tmp_path: Path, redis_url: str) -> AsyncIterator[Api]:
    """One that lets nothing private be called."""
    async with querying(settings_of(tmp_path, redis_url=redis_url)) as made:
        made.parts.publisher.stop()
        yield made


async def made(api: Api, receiver: Receiver, **wanted: Any) -> dict[str, Any]:
    """A new webhook of the shop."""
    body = {"site_id": "shop", "url": receiver.url("/hook"), **wanted}
    answer = await api.ask("POST", HOOKS, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def contents(folder: Path) -> bytes:
    """All that the database has written."""
    return b"".join(file.read_bytes() for file in folder.glob("pulse.db*"))


def delivering(api: Api) -> Outgoing:
    """What delivers from the API's database."""
    database = api.parts.store._database
    return Outgoing("", api.parts.store, database, Seal(SECRET.encode()))


def written(api: Api, *ids: str) -> None:
    """Have notices of the shop written for its webhooks."""
    heard = [Heard(Notice(id=each, kind="alert.firing", site_id="shop", at=now_ms()), now_ms()) for each in ids]
    Dispatch(api.parts.store._database).write(heard, now_ms())


async def test_a_webhook_is_made_read_changed_and_removed(api: Api) -> None:
    with receiving({}) as receiver:
        hook = await made(api, receiver, headers={"Authorization": "Bearer a-token"}, kinds=["alert"], name="Ours")
        path = f"{HOOKS}/{hook['id']}"
        found = (await api.ask("GET", path)).json()
        changed = await api.ask("PATCH", path, json={"kinds": ["alert.firing", "import"], "template": "slack"})

        assert hook["secret"].startswith("whsec_")
        assert found == {name: value for name, value in hook.items() if name != "secret"}
        assert (found["enabled"], found["breaker"], found["headers"]) == (True, "closed", ["Authorization"])
        assert changed.json() == found | {"kinds": ["alert.firing", "import"], "template": "slack"}
        assert (await api.ask("DELETE", path)).status_code == 204
        assert (await api.ask("GET", path)).status_code == 404
    assert receiver.got == []


async def test_neither_secret_nor_headers_are_shown_again_or_kept_as_they_are(api: Api, tmp_path: Path) -> None:
    with receiving({}) as receiver:
        hook = await made(api, receiver, headers={"X-Token": "very-secret-token"})
        path = f"{HOOKS}/{hook['id']}"
        answers = [(await api.ask("GET", each)).text for each in (HOOKS, path, f"{path}/deliveries")]

    kept = contents(tmp_path)
    for secret in (hook["secret"], hook["secret"].removeprefix("whsec_"), "very-secret-token"):
        assert secret not in "".join(answers)
        assert secret.encode() not in kept


async def test_private_addresses_are_refused_in_every_form(public: Api) -> None:
    hook = (await public.ask("POST", HOOKS, json={"site_id": "shop", "url": "https://8.8.8.8/"})).json()
    for url in (*map(url_of, PRIVATE[::5]), *OTHER_FORMS[::4], "http://localhost/", "http://localhost.:8100/"):
        answer = await public.ask("POST", HOOKS, json={"site_id": "shop", "url": url})
        assert answer.status_code == 400, url
        assert answer.json()["errors"][0]["parameter"] == "url", url
        assert (await public.ask("PATCH", f"{HOOKS}/{hook['id']}", json={"url": url})).status_code == 400, url


NO_WEBHOOKS: list[tuple[dict[str, Any], str]] = [
    ({"kinds": []}, "kinds"),
    ({"kinds": ["Alert"]}, "kinds.0"),
    ({"kinds": ["alert."]}, "kinds.0"),
    ({"kinds": ["alert", "alerts"]}, "kinds.1"),
    ({"kinds": ["nope"]}, "kinds.0"),
    ({"template": "pagerduty"}, "headers"),
    ({"template": "pagerduty", "headers": {"X-Routing-Key": ""}}, "headers"),
    ({"template": "opsgenie", "headers": {"X-Routing-Key": "key"}}, "headers"),
    ({"template": "jinja"}, "template"),
    ({"headers": {"Host": "x"}}, "headers"),
    ({"headers": {"webhook-id": "x"}}, "headers"),
    ({"headers": {"X-Pulse-Signature": "x"}}, "headers"),
    ({"headers": {"a b": "x"}}, "headers"),
    ({"headers": {"a": "x\r\ny: z"}}, "headers"),
    ({"headers": {"a": "é"}}, "headers"),
    ({"headers": {f"h{n}": "x" for n in range(21)}}, "headers"),
    ({"headers": {"a": "1", "A": "2"}}, "headers"),
    ({"secret": "secret"}, "secret"),
    ({"secret": "whsec_AAAA"}, "secret"),
    ({"name": ""}, "name"),
    ({"active": True}, "active"),
]


async def test_a_webhook_that_cannot_be_is_refused_by_the_field(api: Api) -> None:
    for wanted, parameter in NO_WEBHOOKS:
        answer = await api.ask("POST", HOOKS, json={"site_id": "shop", "url": "https://8.8.8.8/", **wanted})

        assert answer.status_code == 400, wanted
        assert [each["parameter"] for each in answer.json()["errors"]] == [parameter], wanted
    assert (await api.ask("POST", HOOKS, json={"url": "https://8.8.8.8/"})).json()["errors"][0][
        "parameter"
    ] == "site_id"


async def test_a_template_that_needs_a_header_is_not_taken_without_it(api: Api) -> None:
    with receiving({}) as receiver:
        hook = await made(api, receiver)
        keyed = await made(api, receiver, template="pagerduty", headers={"x-routing-key": "key"})
    refused = [
        await api.ask("PATCH", f"{HOOKS}/{hook['id']}", json={"template": "opsgenie"}),
        await api.ask("PATCH", f"{HOOKS}/{keyed['id']}", json={"headers": {}}),
        await api.ask("PATCH", f"{HOOKS}/{keyed['id']}", json={"template": "opsgenie"}),
    ]
    taken = [
        await api.ask("PATCH", f"{HOOKS}/{keyed['id']}", json={"name": "Duty"}),
        await api.ask("PATCH", f"{HOOKS}/{keyed['id']}", json={"template": "json", "headers": {}}),
        await api.ask(
            "PATCH",
            f"{HOOKS}/{hook['id']}",
            json={"template": "opsgenie", "headers": {"Authorization": "GenieKey key"}},
        ),
    ]

    assert [each.status_code for each in (*refused, *taken)] == [400] * 3 + [200] * 3
    details = [each.json()["detail"] for each in refused]
    assert details[0] == "headers: lacks Authorization, without which opsgenie takes nothing"
    assert details[1] == "headers: lacks X-Routing-Key, without which pagerduty takes nothing"


async def test_a_range_that_ends_before_it_begins_is_refused(api: Api) -> None:
    with receiving({}) as receiver:
        hook = await made(api, receiver)
    for start, end in (("2026-02-01", "2026-01-01"), ("1790000000000", "1790000000000")):
        wanted = {"start_date": start, "end_date": end}
        answer = await api.ask("POST", f"{HOOKS}/{hook['id']}/redeliver", json=wanted)
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "start_date")
    day = await api.ask(
        "POST", f"{HOOKS}/{hook['id']}/redeliver", json={"start_date": "2026-02-01", "end_date": "2026-02-01"}
    )
    assert (day.status_code, day.json()) == (202, {"deliveries": 0})


async def test_anothers_webhooks_are_as_ones_that_do_not_exist(api: Api) -> None:
    with receiving({}) as receiver:
        hook = await made(api, receiver)
        blog = await made(api, receiver, site_id="blog")
    written(api, "n1")
    delivery = (await api.ask("GET", f"{HOOKS}/{hook['id']}/deliveries")).json()["data"][0]["id"]
    ways = [
        *(("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test"), ("GET", "/deliveries")),
        *(("GET", f"/deliveries/{delivery}"), ("POST", f"/deliveries/{delivery}/redeliver"), ("POST", "/redeliver")),
    ]

    for key, foreign in (("rival", hook["id"]), ("shop_admin", blog["id"]), ("admin", "whk_none")):
        for method, path in ways:
            answer = await api.ask(method, f"{HOOKS}/{foreign}{path}", key, json={} if method != "GET" else None)
            assert answer.status_code == 404, (key, method, path)
    assert (await api.ask("GET", f"{HOOKS}/{blog['id']}/deliveries/{delivery}")).status_code == 404
    listed = {key: (await api.ask("GET", HOOKS, key)).json()["data"] for key in ("admin", "shop_admin", "rival")}
    assert {key: len(found) for key, found in listed.items()} == {"admin": 2, "shop_admin": 1, "rival": 0}
    assert (
        await api.ask("POST", HOOKS, "shop_admin", json={"site_id": "blog", "url": "https://8.8.8.8/"})
    ).status_code == 404


async def test_lists_come_in_pages(api: Api) -> None:
    with receiving({}) as receiver:
        hooks = [await made(api, receiver) for _ in range(5)]
    written(api, "n1", "n2", "n3")
    for path in (HOOKS, f"{HOOKS}/{hooks[0]['id']}/deliveries"):
        whole = (await api.ask("GET", path)).json()["data"]
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await api.ask("GET", path, params={"limit": 2, **cursor})).json()
            found += page["data"]
            if not page["next_cursor"]:
                break
            cursor = {"cursor": page["next_cursor"]}

        assert found == whole
        assert len(whole) >= 3
    assert (
        await api.ask("GET", f"{HOOKS}/{hooks[0]['id']}/deliveries", params={"cursor": "bWFpbg"})
    ).status_code == 400


async def test_a_test_is_sent_and_its_answer_can_be_read(api: Api) -> None:
    out = delivering(api)
    with receiving({"/hook": [Reply(200, {}, b"thanks")]}) as receiver:
        hook = await made(api, receiver, secret=SECRET_GIVEN, kinds=["import"])
        asked = await api.ask("POST", f"{HOOKS}/{hook['id']}/test")
        path = f"{HOOKS}/{hook['id']}/deliveries/{asked.json()['id']}"
        async with out.courier():
            await until(lambda: receiver.got)
            await until(lambda: out.store.deliveries.get(hook["id"], asked.json()["id"])[0].state == "delivered")
        found = (await api.ask("GET", path)).json()

    assert asked.status_code == 202
    assert (
        Webhook(SECRET_GIVEN).verify(receiver.got[0].body, dict(receiver.got[0].headers))["event_type"]
        == "webhook.test"
    )
    assert (found["state"], found["status"], found["next_attempt"]) == ("delivered", 200, None)
    [attempt] = found["tried"]
    assert (attempt["number"], attempt["status"], attempt["answer"], attempt["verdict"]) == (
        1,
        200,
        "thanks",
        "delivered",
    )
    assert found["notice"]["data"]["webhook_id"] == hook["id"]


async def test_dead_ones_are_delivered_again_one_or_a_range_or_all(api: Api) -> None:
    out = delivering(api)
    with receiving({"/hook": [Reply(400)] * 4 + [Reply()]}) as receiver:
        hook = await made(api, receiver)
        written(api, "n1", "n2", "n3", "n4")
        path = f"{HOOKS}/{hook['id']}"
        async with out.courier():
            await until(lambda: len(out.store.deliveries.list(hook["id"], "dead", 10)) == 4)
            dead = (await api.ask("GET", f"{path}/deliveries", params={"state": "dead"})).json()["data"]
            one = await api.ask("POST", f"{path}/deliveries/{dead[0]['id']}/redeliver")
            await until(lambda: len(out.store.deliveries.list(hook["id"], "delivered", 10)) == 1)
            none = await api.ask("POST", f"{path}/redeliver", json={"end_date": "2020-01-01"})
            rest = await api.ask("POST", f"{path}/redeliver", json={"start_date": "2020-01-01"})
            await until(lambda: len(out.store.deliveries.list(hook["id"], "delivered", 10)) == 4)
            every = await api.ask("POST", f"{path}/redeliver", json={"state": "all"})
            await until(lambda: len(receiver.got) == 12)

    assert {each["status"] for each in dead} == {400}
    assert (one.status_code, one.json()["state"]) == (202, "pending")
    assert [each.json()["deliveries"] for each in (none, rest, every)] == [0, 3, 4]
    assert len({each.headers["webhook-id"] for each in receiver.got}) == 4


async def test_a_delivery_tells_when_it_is_tried_next(api: Api) -> None:
    with receiving({}) as receiver:
        hook = await made(api, receiver)
    written(api, "n1")
    path = f"{HOOKS}/{hook['id']}/deliveries"
    [at_once] = (await api.ask("GET", path)).json()["data"]
    ahead = now_ms() + 60_000
    with api.parts.store._database.write() as session:
        session.execute(update(Endpoint).values(blocked_until=ahead))
    [later] = (await api.ask("GET", path)).json()["data"]
    assert (at_once["next_attempt"], later["next_attempt"]) == (at_once["created"], ahead)
    assert (await api.ask("GET", f"{path}/{later['id']}")).json()["next_attempt"] == ahead


async def test_a_disabled_webhook_is_sent_nothing_until_it_is_enabled(api: Api) -> None:
    with receiving({}) as receiver:
        hook = await made(api, receiver)
        path = f"{HOOKS}/{hook['id']}"
        written(api, "n1")
        disabled = (await api.ask("PATCH", path, json={"enabled": False})).json()
        assert (disabled["enabled"], disabled["disabled_why"]) == (False, "by hand")
        [waiting] = (await api.ask("GET", f"{path}/deliveries")).json()["data"]
        assert (waiting["state"], waiting["error"]) == ("dead", "the endpoint was disabled: by hand")
        for way in ("/test", "/redeliver", f"/deliveries/{waiting['id']}/redeliver"):
            assert (await api.ask("POST", path + way)).status_code == 409
        enabled = (await api.ask("PATCH", path, json={"enabled": True})).json()
        assert (enabled["enabled"], enabled["disabled"], enabled["disabled_why"]) == (True, None, None)
        assert (await api.ask("POST", f"{path}/redeliver")).json() == {"deliveries": 1}


async def test_a_secret_is_replaced_and_both_are_valid_for_a_day(api: Api) -> None:
    with receiving({}) as receiver:
        hook = await made(api, receiver)
    rotated = (await api.ask("POST", f"{HOOKS}/{hook['id']}/rotate")).json()

    assert rotated["secret"] != hook["secret"]
    assert abs(rotated["previous_secret_until"] - now_ms() - 86_400_000) < 60_000
    given = await api.ask("POST", f"{HOOKS}/{hook['id']}/rotate", json={"overlap_hours": 0, "secret": SECRET_GIVEN})
    assert given.json()["secret"] == SECRET_GIVEN
    assert given.json()["previous_secret_until"] is None


async def test_a_template_can_be_looked_at(api: Api) -> None:
    for template, field in {
        "json": "event_type",
        "slack": "blocks",
        "discord": "embeds",
        "teams": "attachments",
        "pagerduty": "event_action",
        "opsgenie": "alias",
    }.items():
        shown = await api.ask("POST", f"{HOOKS}/preview", json={"template": template})
        assert shown.status_code == 200
        assert field in shown.json()["body"]
    for data in ({"a": "x" * 40_000}, {"a": 10**30}):
        assert (await api.ask("POST", f"{HOOKS}/preview", json={"data": data})).status_code == 400
    for kind, said in (("alert.fireing", "did you mean alert.firing?"), ("alert", "several kinds"), ("*", "several")):
        refused = await api.ask("POST", f"{HOOKS}/preview", json={"kind": kind})
        assert (refused.status_code, said in refused.text) == (400, True), refused.text
