"""The routes of session trackers as their callers see them: the real collector before a real broker."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec import json

from api.control.leads import Lead, Wanted, personal_of
from api.control.seal import LEADS, Seal
from api.control.store import Store
from pulse.event import RawEvent
from pulse.leads.personal import Personal
from tests import services
from tests.collecting import ORIGIN, SECRET, SITE, Collector, collecting, create_raw, events, records
from tests.eventually import eventually

FINGERPRINT = "9f86d081884c7d65"
AGENT = "Mozilla/5.0 (X11; Linux x86_64)"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker with the raw log."""
    service = services.embedded_kafka(tmp_path_factory.mktemp("kafka"))
    service.start()
    create_raw(service.url)
    yield service.url
    service.kill()


@pytest.fixture(scope="module")
def collector(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector that is ready."""
    with collecting(broker, tmp_path_factory.mktemp("collector")) as running:
        eventually(lambda: running.client.get("/health/ready").status_code == 200)
        yield running


def tell(collector: Collector, path: str, body: Any, **headers: str) -> httpx.Response:
    """Send a body to one of the routes, as a page of the site does."""
    content = body if isinstance(body, bytes) else json.encode(body)
    key = {"api_key": collector.keys["public"]}
    own = {"origin": ORIGIN, "content-type": "text/plain", "user-agent": AGENT, **headers}
    route = path if path.startswith("/") else f"/track/{path}"
    return collector.client.post(route, params=key, content=content, headers=own)


def begin(collector: Collector, **body: Any) -> dict[str, Any]:
    """A session that is started."""
    answer = tell(collector, "session/start", {"fingerprint_id": FINGERPRINT, "page": "/", **body})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def of(broker: str, session_id: str) -> list[RawEvent]:
    """What the log has of a session, in the order of its time."""
    return sorted((e for e in events(broker) if e.session_id == session_id), key=lambda e: e.received_at)


def test_a_session_runs_from_its_start_to_its_end(collector: Collector, broker: str) -> None:
    told = begin(
        collector,
        page="https://shop.example.com/pricing",
        referrer="https://search.example/",
        device_info={"language": "de-AT", "platform": "Linux x86_64", "hardware_concurrency": 8, "device_memory": 16},
        screen={"width": 1920, "height": 1080, "color_depth": 24, "pixel_ratio": 1.5},
    )
    whose = {"session_id": told["session_id"], "visitor_id": told["visitor_id"]}
    event_id = str(uuid4())
    click = {**whose, "event_type": "click", "event_id": event_id, "page": "/pricing", "x": 310, "y": 42}
    answer = tell(collector, "event", {**click, "element": "button#buy", "metadata": {"plan": "pro"}})
    assert (answer.status_code, answer.json()["event_id"]) == (200, event_id)
    answer = tell(collector, "session/end", {**whose, "exit_page": "/thanks"})
    assert answer.json() == {"session_id": told["session_id"], "ended_at": answer.json()["ended_at"]}
    assert told["timestamp"] <= answer.json()["ended_at"]

    started, clicked, ended = of(broker, told["session_id"])
    assert {(e.site_id, e.visitor_id, e.user_agent) for e in (started, clicked, ended)} == {
        (SITE, told["visitor_id"], AGENT)
    }
    assert (started.event, started.url, started.referrer) == (
        "session_start",
        "https://shop.example.com/pricing",
        "https://search.example/",
    )
    assert (started.fingerprint_id, started.screen, started.language) == (FINGERPRINT, "1920x1080", "de-AT")
    assert started.properties == {
        "device": {
            "id": told["device_id"],
            "platform": "Linux x86_64",
            "cores": 8,
            "memory_gb": 16,
            "colour_depth": 24,
            "pixel_ratio": 1.5,
        }
    }
    assert (clicked.event, clicked.event_id, clicked.url) == ("click", event_id, "/pricing")
    assert clicked.properties == {"plan": "pro", "x": 310, "y": 42, "element": "button#buy"}
    assert (ended.event, ended.url) == ("session_end", "/thanks")


def test_a_fingerprint_names_its_visitor_and_device_always_alike(collector: Collector) -> None:
    first, second = begin(collector), begin(collector)
    assert first["session_id"] != second["session_id"]
    assert first["visitor_id"] == second["visitor_id"] == sha256(b"visitor:" + FINGERPRINT.encode()).hexdigest()
    assert first["device_id"] == sha256(f"device:{AGENT}|{FINGERPRINT}".encode()).hexdigest()
    assert begin(collector, visitor_id="v-1")["visitor_id"] == "v-1"


@pytest.mark.parametrize("header", ["sec-gpc", "dnt"])
def test_who_does_not_want_to_be_followed_is_not(collector: Collector, broker: str, header: str) -> None:
    body = {"fingerprint_id": FINGERPRINT, "page": "/", "device_info": {"platform": "Linux", "language": "de"}}
    told = [tell(collector, "session/start", {**body, "visitor_id": "v-1"}, **{header: "1"}).json() for _ in range(2)]
    assert told[0]["visitor_id"] != told[1]["visitor_id"]
    (event,) = of(broker, told[0]["session_id"])
    assert (event.consent, event.fingerprint_id, event.language, event.properties) == ("denied", None, None, None)


def test_a_batch_takes_the_good_and_names_the_bad(collector: Collector, broker: str) -> None:
    told = begin(collector)
    sent = [
        {"event_type": "page_view", "page": "/a"},
        {"event_type": "scroll", "scroll_percent": 101},
        {"event_type": "scroll", "scroll_percent": 75},
        {"page": "/b"},
    ]
    whose = {"session_id": told["session_id"], "visitor_id": told["visitor_id"]}
    answer = tell(collector, "events/batch", {**whose, "events": sent})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 2)
    assert [(r["index"], r["field"]) for r in answer.json()["refused"]] == [(1, "scroll_percent"), (3, "event_type")]
    names = [(e.event, e.properties) for e in of(broker, told["session_id"])[1:]]
    assert names == [("page_view", None), ("scroll", {"scroll_percent": 75.0})]


def test_a_batch_is_an_array_too_and_holds_a_hundred_events(collector: Collector, broker: str) -> None:
    session = str(uuid4())
    many = [{"event_type": "mousemove", "session_id": session, "x": n, "y": n} for n in range(101)]
    assert tell(collector, "events/batch", many[:100]).json() == {"accepted": 100, "refused": []}
    assert len(of(broker, session)) == 100
    for bad in (many, [], [0] * 1_000_000):
        answer = tell(collector, "events/batch", bad)
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "events")
    assert len(of(broker, session)) == 100


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("session/start", {"page": "/"}, "fingerprint_id"),
        ("session/start", {"fingerprint_id": "f"}, "page"),
        ("session/start", {"fingerprint_id": "", "page": "/"}, "fingerprint_id"),
        ("session/start", {"fingerprint_id": "f", "page": "/", "screen": {"width": "wide"}}, "screen.width"),
        ("event", {"session_id": "s"}, "event_type"),
        ("event", {"event_type": "click"}, "session_id"),
        ("event", {"event_type": "click", "session_id": "s", "event_id": "mine"}, "event_id"),
        ("event", {"event_type": "click", "session_id": "s", "timestamp": "yesterday"}, "timestamp"),
        ("event", {"event_type": "click", "session_id": "s", "timestamp": -1}, "timestamp"),
        ("event", {"event_type": "click", "session_id": "s", "timestamp": 9e15}, "timestamp"),
        ("events/batch", {}, "events"),
        ("session/end", {"exit_page": "/"}, "session_id"),
    ],
)
def test_a_bad_field_is_named(collector: Collector, path: str, body: dict[str, Any], field: str) -> None:
    answer = tell(collector, path, body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["parameter"] == field


@pytest.mark.parametrize("body", [b"", b"{", b"3", b"[]", b'"x"', b"\xff", b"{" * 100_000])
@pytest.mark.parametrize("path", ["session/start", "event", "events/batch", "session/end"])
def test_what_is_no_body_is_400(collector: Collector, path: str, body: bytes) -> None:
    assert tell(collector, path, body).status_code == 400


def test_an_old_event_is_refused_and_says_why(collector: Collector) -> None:
    answer = tell(collector, "event", {"event_type": "click", "session_id": "s", "timestamp": "2019-05-01T12:00:00Z"})
    assert answer.status_code == 400
    assert answer.json()["refused"][0]["reason"] == "too_old"


def test_script_in_what_is_sent_stays_text(collector: Collector, broker: str) -> None:
    evil = "<script>alert('x')</script>"
    told = begin(collector, page=f"/?q={evil}")
    tell(collector, "event", {"session_id": told["session_id"], "event_type": evil, "metadata": {evil: evil}})
    started, happened = of(broker, told["session_id"])
    assert (started.url, happened.event, happened.properties) == (f"/?q={evil}", evil, {evil: evil})


def test_a_key_is_asked_for_and_pages_of_other_origins_are_turned_away(collector: Collector) -> None:
    body = json.encode({"fingerprint_id": "f", "page": "/"})
    assert collector.client.post("/track/session/start", content=body).status_code == 401
    assert tell(collector, "session/start", body, origin="https://rival.example").status_code == 403
    assert collector.client.post("/track/session/begin", content=body).status_code == 404


def test_browsers_may_ask_first_and_only_post_is_taken(collector: Collector) -> None:
    asked = collector.client.options("/track/event", headers={"origin": ORIGIN})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, ORIGIN)
    answer = collector.client.get("/track/event")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")


def test_the_routes_are_described_and_their_examples_are_taken(collector: Collector) -> None:
    document = collector.client.get("/openapi.json").json()
    paths = [path for path in document["paths"] if path.startswith(("/track/", "/lead"))]
    assert len(paths) == 5
    for path in paths:
        operation = document["paths"][path]["post"]
        example = operation["requestBody"]["content"]["application/json"]["example"]
        assert tell(collector, path, example).status_code == 200
        told = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        assert told.rpartition("/")[2] in document["components"]["schemas"]


ADA: dict[str, Any] = {"name": "Ada Lovelace", "email": "ada@example.org", "message": "A secret, call me."}


def leads(collector: Collector) -> list[Lead]:
    """The leads that the database has."""
    store = Store(f"sqlite:///{collector.folder / 'pulse.db'}")
    found = store.leads.list("ours", SITE, Wanted(), 200)
    store.close()
    return list(found)


def test_a_lead_is_kept_sealed_and_its_event_holds_nobody(collector: Collector, broker: str) -> None:
    began, lead_id = begin(collector), str(uuid4())
    whose = {"session_id": began["session_id"], "visitor_id": began["visitor_id"]}
    sent = {**ADA, **whose, "form": "contact", "page": "https://shop.example.com/contact", "lead_id": lead_id}
    for _ in range(2):
        answer = tell(collector, "/lead", sent, **{"x-forwarded-for": "203.0.113.1"})
        assert (answer.status_code, answer.json()["lead_id"]) == (200, lead_id)
        assert answer.headers["access-control-allow-origin"] == ORIGIN
    (lead,) = [each for each in leads(collector) if each.id == lead_id]
    assert (lead.session, lead.visitor, lead.form, lead.status) == (*whose.values(), "contact", "new")
    assert personal_of(lead, Seal(SECRET.encode(), LEADS)) == Personal(**ADA)
    _, event, again = of(broker, began["session_id"])
    assert (event.event, event.event_id, event.properties) == ("lead", lead_id, {"form": "contact"})
    assert again.event_id == event.event_id
    kept = [record.value for record in records(broker)]
    kept += [file.read_bytes() for file in collector.folder.rglob("*") if file.is_file()]
    for text in ADA.values():
        assert not any(text.encode() in each for each in kept)


def test_a_form_that_a_page_sends_without_a_script_is_a_lead(collector: Collector) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded", "x-forwarded-for": "203.0.113.2"}
    answer = tell(collector, "/lead", b"FIRSTNAME=Bob&EMAIL=bob%40example.org&__pg_hp=x&__pg_tts=2", **kind)
    assert answer.status_code == 200
    (lead,) = [each for each in leads(collector) if each.id == answer.json()["lead_id"]]
    assert (lead.honeypot, lead.seconds, lead.is_linked) == (True, 2.0, True)


def test_a_form_with_a_field_for_files_is_a_lead_without_them(collector: Collector) -> None:
    fields, files = {"FIRSTNAME": "Böb", "EMAIL": "bob@example.org", "größe": "XL"}, {"cv": ("cv.pdf", b"%PDF\r\n\xff")}
    made = httpx.Request("POST", "http://any", data=fields, files=files)
    more = {"content-type": made.headers["content-type"], "x-forwarded-for": "203.0.113.8"}
    answer = tell(collector, "/lead", made.read(), **more)
    assert answer.status_code == 200, answer.text
    (lead,) = [each for each in leads(collector) if each.id == answer.json()["lead_id"]]
    person = Personal("Böb", "bob@example.org", fields={"größe": "XL"})
    assert personal_of(lead, Seal(SECRET.encode(), LEADS)) == person


@pytest.mark.parametrize("header", ["sec-gpc", "dnt"])
def test_a_lead_of_whoever_does_not_want_to_be_followed_is_tied_to_nothing(
    collector: Collector, broker: str, header: str
) -> None:
    sent = {**ADA, "session_id": "s-unwilling", "visitor_id": "v-unwilling"}
    answer = tell(collector, "/lead", sent, **{header: "1", "x-forwarded-for": "203.0.113.3"})
    (lead,) = [each for each in leads(collector) if each.id == answer.json()["lead_id"]]
    assert (lead.session, lead.visitor, lead.is_linked) == ("", "", False)
    (event,) = [each for each in events(broker) if each.event_id == lead.id]
    assert (event.session_id, event.visitor_id, event.consent) == (None, None, "denied")


def test_a_bad_lead_is_refused_by_the_field_and_only_from_where_it_may_come(collector: Collector) -> None:
    before = len(leads(collector))
    for body, status in (
        ({"form": "x"}, 400),
        ({"email": "ada"}, 400),
        ({**ADA, "a": "x" * 70_000}, 413),
        (b"[]", 400),
    ):
        answer = tell(collector, "/lead", body)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert tell(collector, "/lead", ADA, **{"content-type": "multipart/form-data"}).status_code == 400
    assert tell(collector, "/lead", ADA, **{"content-type": "multipart/mixed"}).status_code == 415
    assert tell(collector, "/lead", ADA, origin="https://rival.example").status_code == 403
    assert collector.client.post("/lead", content=json.encode(ADA)).status_code == 401
    assert len(leads(collector)) == before


def test_leads_of_one_address_are_few_a_minute_but_not_those_of_a_server(collector: Collector) -> None:
    sent = {**ADA, "lead_id": str(uuid4())}
    own = {"x-forwarded-for": "203.0.113.4"}
    statuses = [tell(collector, "/lead", sent, **own).status_code for _ in range(12)]
    assert statuses[:10] == [200] * 10
    refused = tell(collector, "/lead", sent, **own)
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
    assert tell(collector, "/lead", sent, **{"x-forwarded-for": "203.0.113.5"}).status_code == 200
    household = [{"x-forwarded-for": f"2001:db8:0:5:{n}::1"} for n in range(11)]
    assert [tell(collector, "/lead", sent, **each).status_code for each in household] == [200] * 10 + [429]
    other = tell(collector, "/lead", {**sent, "message": "other"}, **{"x-forwarded-for": "203.0.113.6"})
    assert (other.status_code, other.headers["content-type"]) == (409, "application/problem+json")
    key = {"authorization": f"Bearer {collector.keys['secret']}"}
    for _ in range(12):
        assert collector.client.post("/lead", content=json.encode(sent), headers=key).status_code == 200


SCRIPTS = ["tracker", "form", "pulse", "vitals", "device"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_served_to_pages_anywhere_and_cached(collector: Collector, name: str) -> None:
    plain = collector.client.get(f"/{name}.js", headers={"accept-encoding": "identity"})
    packed = collector.client.get(f"/{name}.js", headers={"accept-encoding": "gzip, br"})
    assert (plain.status_code, packed.headers["content-encoding"]) == (200, "gzip")
    assert plain.content == packed.content
    assert plain.headers["etag"] != packed.headers["etag"]
    for answer in (plain, packed):
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["vary"] == "accept-encoding"
        assert "max-age" in answer.headers["cache-control"]
    known = {"accept-encoding": "gzip", "if-none-match": f'"other", W/{packed.headers["etag"]}'}
    again = collector.client.get(f"/{name}.js", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert collector.client.head(f"/{name}.js").content == b""
