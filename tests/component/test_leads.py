"""Leads out of a real database and store: who sees what of whom, how suspicious they are, who is told, and forgetting."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from api.control.keys import NewKey
from api.control.leads import NewLead
from api.control.seal import LEADS, Seal
from api.delivery.leads import PATIENCE_MS, Judging
from clickhouse.client import Client
from pulse.leads.personal import Personal
from tests.component.test_delivery_risks import Odd
from tests.delivering import Outgoing, now_ms, until
from tests.querying import SECRET, Api, querying, settings_of
from tests.receiving import Receiver, Reply, receiving

PATH = "/api/v1/leads"
ADA = Personal("Ada Lovelace", "Ada@Example.org", "+43 660 1234567", "A secret, call me.", {"company": "Engines"})
MASKED = {"name": "A••• L•••", "email": "A•••@Example.org", "phone": "•••67", "message": "•••"}
SCOPES = {"marketing": "leads:read", "sales": "leads:unmasked", "desk": "leads:write"}


@pytest.fixture
async def api(tmp_path: Path, redis_url: str, migrated: Client, clickhouse: str) -> AsyncIterator[Api]:
    """One with keys of the shop that may read leads, read them unmasked, and change them."""
    settings = settings_of(tmp_path, redis_url=redis_url, clickhouse_url=clickhouse, webhook_allow="127.0.0.0/8")
    async with querying(settings) as made:
        made.parts.publisher.stop()  # it would wait for a broker that is not there
        keys = {
            name: made.parts.store.keys.create(NewKey("ours", "shop", name, (scope,)), SECRET.encode(), now_ms())
            for name, scope in SCOPES.items()
        }
        made.keys = {**made.keys, **{name: key.presented for name, key in keys.items()}}
        yield made


def kept(api: Api, site: str = "shop", personal: Personal = ADA, **given: Any) -> NewLead:
    """A lead that was sent."""
    usual = {"form": "contact", "page": "https://x.example/contact", "session": "", "visitor": "", "is_linked": True}
    values = {"id": str(uuid4()), "received": now_ms(), "honeypot": False, "seconds": 30.0, **usual, **given}
    lead = NewLead(site=site, personal=personal, **values)
    api.parts.store.leads.keep(lead, Seal(SECRET.encode(), LEADS), SECRET.encode())
    return lead


def store(client: Client, lead: NewLead, *events: tuple[str, int, str], vpn: int = 0) -> None:
    """Store a lead's event, and before it those of its session: name, seconds before, properties."""
    rows = [("lead", 0, "{}", lead.id), *((*event, str(uuid4())) for event in events)]
    values = ", ".join(
        f"('{lead.site}', '{name}', fromUnixTimestamp64Milli({lead.received - 1_000 * before}), '{id}', '{lead.visitor or 'derived'}',"
        f" '{lead.session}', '/{name}', '{properties}', {vpn}, {vpn}, 'elevated', 'NET_VPN')"
        for name, before, properties, id in rows
    )
    columns = "site_id, event, ts, event_id, visitor_id, session_id, path, properties, risk, risk_vpn, risk_band, risk_reasons"
    client.command(f"INSERT INTO events ({columns}) VALUES {values}")


def judging(api: Api, client: Client, later_ms: int = 0) -> Judging:
    """What judges leads, so much later."""
    out = delivering(api)
    clock = lambda: (now_ms() + later_ms) * 1_000_000  # noqa: E731 - a clock
    return Judging(api.parts.store.leads, out.dispatch, client, out.seals.leads, clock=clock)


def delivering(api: Api) -> Outgoing:
    """What delivers from the API's database."""
    return Outgoing("", api.parts.store, api.parts.store._database, Seal(SECRET.encode()), SECRET.encode())


def contents(folder: Path) -> bytes:
    """All that the database has written."""
    return b"".join(file.read_bytes() for file in folder.glob("pulse.db*"))


async def hook(api: Api, receiver: Receiver, path: str = "/hook", **wanted: Any) -> str:
    """A new webhook of the shop."""
    body = {"site_id": "shop", "url": receiver.url(path), "kinds": ["lead"], **wanted}
    made = await api.ask("POST", "/api/v1/webhooks", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["unmasked"] is wanted.get("unmasked", False)
    return str(made.json()["id"])


async def one(api: Api, lead: NewLead, key: str = "admin") -> dict[str, Any]:
    """A lead as it is answered."""
    answer = await api.ask("GET", f"{PATH}/{lead.id}", key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_who_a_lead_is_is_masked_by_the_keys_scope_and_sealed_where_it_is_kept(api: Api, tmp_path: Path) -> None:
    lead = kept(api)
    for key, masked in {"marketing": True, "desk": True, "sales": False, "admin": False, "shop_admin": False}.items():
        for found in ((await api.ask("GET", PATH, key)).json()["data"][0], await one(api, lead, key)):
            person = {name: found[name] for name in (*MASKED, "fields")}
            whole = {**MASKED, "fields": {"company": "•••"}} if masked else ADA.told(masked=False)
            assert (found["masked"], person) == (masked, whole), key
    for key in ("reader", "writer", "page"):
        assert (await api.ask("GET", f"{PATH}/{lead.id}", key)).status_code == 403
    everything = contents(tmp_path)
    for secret in (ADA.name, ADA.email, ADA.email.lower(), ADA.phone, ADA.message, "Engines"):
        assert secret.encode() not in everything


async def test_leads_are_listed_by_what_they_are_page_by_page_the_newest_first(api: Api) -> None:
    now = now_ms()
    leads = [kept(api, received=now - 1_000 * (n // 2), form=f"form {n % 2}") for n in range(5)]
    other = kept(api, personal=Personal("Bob", "bob@example.org"), received=now - 86_400_000, visitor="v-bob")

    async def listed(key: str = "sales", **asked: Any) -> list[str]:
        found: list[str] = []
        cursor = None
        while True:
            params = {**asked, "limit": 2, **({"cursor": cursor} if cursor else {})}
            page = (await api.ask("GET", PATH, key, params=params)).json()
            found += [each["id"] for each in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    order = sorted([*leads, other], key=lambda each: (each.received, each.id), reverse=True)
    assert await listed() == [each.id for each in order]
    assert await listed(form="form 1") == [each.id for each in order if each.form == "form 1"]
    assert await listed(start_date=now - 1_500) == [each.id for each in order if each.received >= now - 1_500]
    assert await listed(end_date=now - 10_000) == [other.id]
    assert await listed(visitor_id="v-bob") == [other.id]
    assert await listed(email=" BOB@example.org") == [other.id]
    assert await listed(email="nobody@example.org") == await listed(email="") == []
    assert (await api.ask("PATCH", f"{PATH}/{other.id}", "desk", json={"status": "seen"})).json()["status"] == "seen"
    assert await listed(status="seen") == [other.id]
    assert other.id not in await listed(status="new")


@pytest.mark.parametrize(
    ("asked", "key", "status"),
    [
        ({"status": "lost"}, "sales", 400),
        ({"band": "grim"}, "sales", 400),
        ({"start_date": "soon"}, "sales", 400),
        ({"cursor": "bm9uZQ"}, "sales", 400),
        ({"colour": "red"}, "sales", 400),
        ({"form": "a\0"}, "sales", 400),
        ({"email": "ada@example.org"}, "marketing", 403),
        ({"email": "ada@example.org"}, "admin", 400),
        ({"site_id": "rival"}, "admin", 404),
        ({"site_id": "blog"}, "sales", 404),
    ],
)
async def test_what_cannot_be_asked_says_why(api: Api, asked: dict[str, Any], key: str, status: int) -> None:
    answer = await api.ask("GET", PATH, key, params=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text


async def test_anothers_leads_are_as_ones_that_do_not_exist(api: Api) -> None:
    lead, blog = kept(api), kept(api, site="blog")
    ways = [("GET", ""), ("GET", "/events"), ("PATCH", ""), ("DELETE", ""), ("POST", "/forward")]
    bodies = {"PATCH": {"status": "spam"}, "POST": {"webhook_id": "whk_none"}}
    for key, foreign in (("rival", lead), ("shop_admin", blog), ("desk", blog)):
        for method, path in ways:
            answer = await api.ask(method, f"{PATH}/{foreign.id}{path}", key, json=bodies.get(method))
            assert answer.status_code == 404, (key, method, path)
    assert (await api.ask("GET", PATH, "rival")).json()["data"] == []
    assert [each["id"] for each in (await api.ask("GET", PATH, "sales")).json()["data"]] == [lead.id]
    assert (await api.ask("GET", "/analytics/leads", "admin", params={"site_id": "blog"})).json()["data"][0][
        "id"
    ] == blog.id
    for method, path, key in (("PATCH", "", "sales"), ("DELETE", "", "marketing"), ("POST", "/forward", "sales")):
        assert (await api.ask(method, f"{PATH}/{lead.id}{path}", key, json=bodies.get(method))).status_code == 403


async def test_a_lead_is_shown_with_what_its_session_did_and_only_that(api: Api, migrated: Client) -> None:
    lead = kept(api, session="s-1", visitor="v-1")
    seen = [("page_view", 60, "{}"), ("click", 30, "{}"), ("page_view", 20, "{}")]
    store(migrated, lead, *seen, vpn=30)
    others = kept(api, session="s-2", visitor="v-1")
    store(migrated, others, ("page_view", 10, "{}"))
    store(migrated, kept(api, site="blog", session="s-1"), ("page_view", 5, "{}"))

    found = await one(api, lead, "marketing")
    did = found["activity"]
    assert (did["events"], did["pages"], did["entry"], did["exit"]) == (4, 2, "/page_view", "/lead")
    assert (did["began"], did["ended"]) == (lead.received - 60_000, lead.received)
    assert (did["risk"], did["risk_vpn"], did["risk_reasons"]) == (30, 30, ["NET_VPN"])
    assert [each["event"] for each in found["events"]] == ["page_view", "click", "page_view", "lead"]
    steps = f"{PATH}/{lead.id}/events"
    first = (await api.ask("GET", steps, "marketing", params={"limit": 3})).json()
    rest = (await api.ask("GET", steps, "marketing", params={"cursor": first["next_cursor"]})).json()
    assert [*first["data"], *rest["data"]] == found["events"]
    clicks = (await api.ask("GET", steps, "marketing", params={"event": "click"})).json()["data"]
    assert [(each["event"], each["ts"], each["risk_vpn"]) for each in clicks] == [("click", lead.received - 30_000, 30)]

    limits = api.parts.limits
    api.parts.limits = replace(limits, rows=1)
    costly = await one(api, lead, "marketing")
    assert (await api.ask("GET", steps, "marketing")).status_code == 504
    api.parts.limits = limits
    assert (costly["activity"], costly["events"], costly["name"]) == (None, [], MASKED["name"])
    assert "rows" in costly["activity_missing"]

    visitor = await one(api, kept(api, visitor="v-1"))
    assert visitor["activity"]["events"] == 6
    for named, why in (
        ({}, "names neither"),
        ({"session": "s-1", "is_linked": False}, "names neither"),
        ({"session": "s-9"}, "stored"),
    ):
        alone = await one(api, kept(api, **named))
        assert (alone["activity"], alone["events"]) == (None, [])
        assert why in alone["activity_missing"]


async def test_how_suspicious_a_lead_is_follows_from_it_and_its_session(api: Api, migrated: Client) -> None:
    await api.ask("PATCH", "/api/v1/sites/shop", json={"settings": {"competitor_domains": ["rival.example"]}})
    wanted: list[tuple[NewLead, dict[str, int]]] = []

    def sent(reasons: dict[str, int], *events: tuple[str, int, str], vpn: int = 0, **given: Any) -> None:
        person = Personal("X", given.pop("email", f"{uuid4().hex}@example.org"))
        lead = kept(api, personal=person, **given)
        store(migrated, lead, *events, vpn=vpn)
        wanted.append((lead, reasons))

    seen = ("page_view", 300, "{}"), ("engagement", 200, '{"scroll_percent": 90}')
    sent({}, *seen, session="good", visitor="v-good")
    sent(
        {"HONEYPOT": 40, "SUBMIT_TIME": 30, "NO_SESSION": 15},
        honeypot=True,
        seconds=2.0,
        session="none",
        visitor="v-none",
    )
    sent({"NO_ENGAGEMENT": 10, "VPN": 15}, ("page_view", 3, "{}"), vpn=60, session="short", visitor="v-short")
    sent({"COMPETITOR": 25}, *seen, email="a@mail.rival.example", session="rival", visitor="v-rival")
    sent({"FORM_VELOCITY": 10}, *seen, session="again", visitor="v-good")
    sent({"FORM_VELOCITY": 20}, *seen, session="thrice", visitor="v-good")
    sent({"VPN": 5}, vpn=30, is_linked=False)
    assert judging(api, migrated).tell() == len(wanted)

    for lead, reasons in wanted:
        found = await one(api, lead)
        assert (found["suspicion"], found["reasons"]) == (sum(reasons.values()), reasons)
    bands = {(await one(api, lead))["suspicion_band"] for lead, _ in wanted}
    assert bands == {"low", "elevated", "critical"}
    listed = (await api.ask("GET", PATH, "sales", params={"band": "critical"})).json()["data"]
    assert [each["id"] for each in listed] == [wanted[1][0].id]
    assert judging(api, migrated).tell() == 0


async def test_a_lead_waits_for_its_event_a_minute_and_no_longer(api: Api, migrated: Client) -> None:
    lead, away = kept(api, session="s"), Client("http://127.0.0.1:9")
    for client in (migrated, away):
        assert judging(api, client).tell() == 0
        assert (await one(api, lead))["suspicion"] is None
    assert judging(api, away, later_ms=PATIENCE_MS + 1_000).tell() == 1
    assert (await one(api, lead))["suspicion"] == 0
    odd = kept(api, session="s", id="no-uuid", received=now_ms() - 1, personal=Personal("Bob"))
    late = kept(api, session="s")
    store(migrated, late)
    assert judging(api, migrated).tell() == 2
    assert (await one(api, odd))["reasons"] == {}, "of this one the store cannot be asked"
    assert (await one(api, late))["reasons"] == {"NO_SESSION": 15, "FORM_VELOCITY": 10}


async def test_what_the_store_tells_nonsense_of_is_judged_without_it(api: Api, migrated: Client) -> None:
    leads = [kept(api, "rival"), kept(api, session="t", personal=Personal("Bob"))]
    store(migrated, leads[1])
    assert judging(api, Odd(migrated._url, migrated.database)).tell() == 2
    assert [each for each, _ in api.parts.store.leads.unjudged(9)] == []


async def test_webhooks_are_told_once_and_who_it_is_as_far_as_they_ask(
    api: Api, migrated: Client, tmp_path: Path
) -> None:
    with receiving({}) as receiver:
        masked = await hook(api, receiver, "/masked")
        await hook(api, receiver, "/whole", unmasked=True)
        await hook(api, receiver, "/slack", kinds=["lead.created"], template="slack")
        await hook(api, receiver, "/alerts", kinds=["alert", "*"], unmasked=True)
        lead = kept(api, session="s")
        kept(api, site="blog")
        store(migrated, lead, ("page_view", 3, "{}"), vpn=60)
        async with delivering(api).courier():
            for _ in range(3):
                judging(api, migrated).tell()
            await until(lambda: len(receiver.got) >= 3)
            told = {path: json.loads(receiver.at(path)[0].body) for path in ("/masked", "/whole")}
            again = await api.ask("GET", f"/api/v1/webhooks/{masked}/deliveries")
    assert len(receiver.got) == 3
    assert receiver.at("/alerts") == []
    for path, person in (("/masked", MASKED | {"fields": {"company": "•••"}}), ("/whole", ADA.told(masked=False))):
        data = told[path]["data"]
        assert (told[path]["event_type"], told[path]["site_id"], data["lead_id"]) == ("lead.created", "shop", lead.id)
        assert {name: data[name] for name in person} == person
        assert (data["masked"], data["suspicion"], data["reasons"]) == (path == "/masked", 25, ["NO_ENGAGEMENT", "VPN"])
    assert "A••• L•••" in receiver.at("/slack")[0].body.decode()
    assert [each["kind"] for each in again.json()["data"]] == ["lead.created"]
    everything = contents(tmp_path)
    assert all(secret.encode() not in everything for secret in (ADA.name, ADA.email, ADA.message, "A•••"))


async def test_a_lead_is_forwarded_again_until_it_is_there(api: Api) -> None:
    lead = kept(api)
    with receiving({"/crm": [Reply(500, {}, b"not now"), Reply()]}) as receiver:
        crm = await hook(api, receiver, "/crm", kinds=["alert"], unmasked=True)
        rival = await api.ask(
            "POST", "/api/v1/webhooks", "rival", json={"site_id": "rival", "url": receiver.url("/rival")}
        )
        ways = f"{PATH}/{lead.id}/forward"
        for foreign in (rival.json()["id"], "whk_none"):
            assert (await api.ask("POST", ways, "desk", json={"webhook_id": foreign})).status_code == 404
        answer = await api.ask("POST", ways, "desk", json={"webhook_id": crm})
        assert (answer.status_code, answer.json()["kind"], answer.json()["state"]) == (202, "lead.forwarded", "pending")
        async with delivering(api).courier():
            await until(lambda: len(receiver.got) == 2)
        delivery = f"/api/v1/webhooks/{crm}/deliveries/{answer.json()['id']}"
        first = (await api.ask("GET", delivery)).json()["tried"][0]
        assert (first["status"], first["answer"]) == (500, ""), "it may say who it is"
        data = json.loads(receiver.got[1].body)["data"]
        assert (data["email"], data["message"], data["lead_id"]) == (ADA.email, ADA.message, lead.id)
        await api.ask("PATCH", f"/api/v1/webhooks/{crm}", json={"enabled": False})
        assert (await api.ask("POST", ways, "desk", json={"webhook_id": crm})).status_code == 409
    assert (await one(api, lead))["status"] == "forwarded"


async def test_of_two_sites_with_one_id_the_site_is_asked_for_and_what_is_closed_stays_so(api: Api) -> None:
    lead = kept(api)
    kept(api, site="blog", id=lead.id)
    assert (await api.ask("GET", f"{PATH}/{lead.id}")).status_code == 409
    assert (await one(api, lead, "shop_admin"))["site_id"] == "shop"
    ours = {"site_id": "shop"}
    await api.ask("PATCH", f"{PATH}/{lead.id}", params=ours, json={"status": "spam"})
    with receiving({}) as receiver:
        wanted = {"webhook_id": await hook(api, receiver)}
        forwarded = await api.ask("POST", f"{PATH}/{lead.id}/forward", params=ours, json=wanted)
    assert forwarded.status_code == 202
    found = (await api.ask("GET", f"{PATH}/{lead.id}", params=ours)).json()
    assert (found["status"], found["site_id"]) == ("spam", "shop")


async def test_who_is_forgotten_is_nowhere_and_the_others_are_where_they_were(api: Api, migrated: Client) -> None:
    with receiving({}) as receiver:
        ours = await hook(api, receiver)
        lead, other = kept(api), kept(api)
        for each in (lead, other):
            store(migrated, each)
        assert judging(api, migrated).tell() == 2
        await api.ask("POST", f"{PATH}/{lead.id}/forward", "desk", json={"webhook_id": ours})
        assert (await api.ask("DELETE", f"{PATH}/{lead.id}", "desk")).status_code == 204
        assert (await api.ask("DELETE", f"{PATH}/{lead.id}", "desk")).status_code == 404
        async with delivering(api).courier():
            await until(lambda: len(receiver.got) == 1)
    assert json.loads(receiver.got[0].body)["data"]["lead_id"] == other.id
    old = kept(api, received=now_ms() - 86_400_000)
    judging(api, migrated).clean(now_ms() - 80_000_000)
    assert (await api.ask("GET", f"{PATH}/{old.id}")).status_code == 404
    assert [each["id"] for each in (await api.ask("GET", PATH)).json()["data"]] == [other.id]


@pytest.mark.parametrize("path", ["/api/v1/leads", "/analytics/leads"])
async def test_leads_are_counted_by_site_and_by_where_they_came_from(api: Api, migrated: Client, path: str) -> None:
    now = now_ms()
    leads = [kept(api, received=now - n * 3_600_000, session=f"s{n}") for n in range(3)]
    kept(api, site="blog", received=now)
    for lead in leads:
        store(migrated, lead, ("page_view", 60, "{}"))
    migrated.command("ALTER TABLE events UPDATE channel = 'paid search' WHERE session_id = 's1'", mutations_sync=2)
    assert (await api.ask("PATCH", f"{path}/{leads[0].id}", "desk", json={"status": "seen"})).status_code == 200

    async def projects(key: str, **asked: Any) -> list[Any]:
        answered = await api.ask("GET", f"{path}/projects", key, params=asked)
        assert answered.status_code == 200, answered.text
        return [(each["site_id"], each["leads"], each["by_status"]) for each in answered.json()["projects"]]

    shop = "shop", 3, {"new": 2, "seen": 1}
    assert await projects("admin") == [shop, ("blog", 1, {"new": 1})]
    assert await projects("marketing") == await projects("admin", site_id="shop") == [shop]
    assert await projects("marketing", start_date=now - 1_000) == [("shop", 1, {"seen": 1})]
    assert await projects("rival") == []

    answered = await api.ask("GET", f"{path}/sources", "marketing", params={"period": "24h"})
    assert answered.status_code == 200, answered.text
    found = answered.json()
    assert [(each["name"], each["sessions"]) for each in found["sources"]] == [("", 2), ("paid search", 1)]
    assert found["total"]["sessions"] == 3
    for kind, asked, key, status in (
        ("projects", {"start_date": "soon"}, "marketing", 400),
        ("projects", {"limit": 1}, "marketing", 400),
        ("projects", {"site_id": "rival"}, "admin", 404),
        ("sources", {"by": "colour"}, "marketing", 400),
        ("sources", {"site_id": "shop"}, "rival", 404),
        ("projects", {}, "reader", 403),
        ("sources", {}, "reader", 403),
    ):
        assert (await api.ask("GET", f"{path}/{kind}", key, params=asked)).status_code == status, (kind, asked, key)
