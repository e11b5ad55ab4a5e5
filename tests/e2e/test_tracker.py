"""The tracker in a real browser, on pages of another origin than the collector's: what it sends, and what it does not."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from msgspec import json
from playwright.sync_api import Browser, Route

from api.control.leads import Wanted, email_mark, personal_of
from api.control.seal import LEADS, Seal
from api.control.store import Store
from pulse.event import RawEvent
from tests import services
from tests.browsing import Visit, browsing, display, launched, site, visiting
from tests.collecting import SECRET, SITE, Collector, collecting, create_raw
from tests.eventually import eventually
from tests.unit.streams_events import only

BODY = """
<h1>Shop</h1>
<a id="second" href="/second">on</a>
<a id="out" href="http://localhost:9/away" target="_blank">out</a>
<a id="file" href="/list.pdf" download>file</a>
<button id="buy" data-pulse-event="buy" data-pulse-plan-size="xl">buy</button>
<form id="order" action="/second"><input name="email"><input name="card"><button id="send">send</button></form>
<div style="height: 4000px"></div>
"""
ODD = '<form action="http://["><input name="id"><input name="action"><button name="name">send</button></form>'
LEAD = """
<form id="contact" action="/second" data-pulse-lead><input name="FIRSTNAME"><input name="email"><input name="page" value="/own">
<input name="wants" value="tea"><input name="wants" value="milk"><input name="pin" type="password"><input name="consent" type="checkbox">
<input name="event_id" type="hidden" value="42"><p data-pulse-ignore><input name="secret" value="s"></p><input name="elements" type="hidden">
<button id="send">send</button></form><input name="outside" type="password" value="1234" form="contact">
"""
TABLET = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
PHONE = TABLET.replace(" Safari", " Mobile Safari")
ASKED_OF_NOBODY = ("visitor_id", "session_id", "fingerprint_id", "screen", "language", "timezone")


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


@pytest.fixture(scope="module")
def shop(collector: Collector) -> Iterator[str]:
    """The address of a site whose pages load the tracker, each in its own way."""

    def page(script: str, *more: str, body: str = BODY) -> str:
        key = f'data-key="{collector.keys["page"]}"'
        scripts = [f'<script defer src="{collector.url}/{each}"></script>' for each in (f'{script}" {key} x="', *more)]
        return f"<!doctype html><title>Shop</title>{''.join(scripts)}{body}"

    granted = page('tracker.js" data-consent="granted" data-on="clicks hash', "form.js")
    bare = f'<!doctype html><title>Bare</title><script src="{collector.url}/pulse.js"></script>{BODY}'
    pages = {
        **dict.fromkeys(("/", "/second", "/moved"), granted),
        "/anonymous": page("tracker.js", "form.js"),
        "/contact": page('tracker.js" data-consent="granted', "form.js", body=LEAD),
        "/contact/anonymous": page("tracker.js", "form.js", body=LEAD),
        "/odd": page('tracker.js" data-consent="granted" data-on="clicks', "form.js", body=ODD),
        "/secured": page('tracker.js" data-security="'),
        "/bare": bare,
    }
    with site(pages) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The one browser of these tests."""
    with browsing() as running:
        yield running


@pytest.fixture
def visit(browser: Browser, collector: Collector, broker: str) -> Iterator[Visit]:
    with visiting(browser, collector.url, broker) as made:
        yield made


def names(found: Iterable[RawEvent]) -> list[str]:
    return [each.event for each in found]


def walk(visit: Visit, shop: str) -> dict[str, str]:
    """A visitor comes, buys, reads, goes on by the site's script and by a link, loads again and leaves; who it was."""
    page = visit.page
    page.goto(f"{shop}/?utm_source=mail", referer="https://search.example/")
    page.wait_for_load_state("networkidle")
    ids = visit.ids()
    page.click("#buy")
    page.mouse.wheel(0, 1500)
    page.evaluate("history.pushState({}, '', '/moved')")
    page.wait_for_function("document.title")
    page.wait_for_timeout(600)  # what is looked at for less than half a second is not told
    page.click("#second")
    page.wait_for_url("**/second")
    eventually(lambda: len(visit.events("engagement", session_id=ids["session_id"])) == 2)
    assert not visit.events("session_end", session_id=ids["session_id"])
    page.reload()
    assert visit.ids() == ids
    visit.close()
    return ids


def test_a_visit_is_one_session_over_pages_moves_and_reloads_until_its_tab_closes(visit: Visit, shop: str) -> None:
    ids = walk(visit, shop)
    # a browser does not say whether it loads a page again or leaves it, and the last end counts
    eventually(lambda: len(visit.events("session_end", session_id=ids["session_id"])) == 2)
    eventually(lambda: len(visit.events("page_view", session_id=ids["session_id"])) == 4)
    _, end = visit.events("session_end", session_id=ids["session_id"])
    found = visit.events(session_id=ids["session_id"])
    assert {e.visitor_id for e in found} == {ids["visitor_id"]}
    views = [e for e in found if e.event == "page_view"]
    assert [e.url for e in views] == [f"{shop}/?utm_source=mail", f"{shop}/moved", f"{shop}/second", f"{shop}/second"]
    assert views[1].referrer == f"{shop}/?utm_source=mail"
    assert {(e.title, e.consent) for e in views} == {("Shop", "granted")}
    (start,) = [e for e in found if e.event == "session_start"]
    assert (start.screen, start.language) == ("1280x720", "en-US")
    assert start.timezone
    (bought,) = [e for e in found if e.event == "buy"]
    assert bought.properties == {"plan_size": "xl"}
    clicked = [e.properties for e in found if e.event == "click" and e.properties]
    assert {"button#buy", "a#second"} <= {str(each["element"]).rpartition(">")[2] for each in clicked}
    read = [e.properties for e in found if e.event == "engagement" and e.properties]
    assert max(each["scroll_percent"] for each in read) > 40
    assert end.properties
    assert (end.properties["pages"], end.properties["clicks"]) == (4, 2)
    assert end.properties["engaged_ms"] == sum(each["engaged_ms"] for each in read) >= 500
    vitals = [e.properties for e in found if e.event == "web_vitals" and e.properties]
    assert {"lcp", "fcp", "cls", "ttfb", "load"} <= set(vitals[0])
    assert all(isinstance(value, int | float) for each in vitals for value in each.values())
    assert not visit.context.cookies()


def test_links_out_and_files_are_told_apart_from_those_within(visit: Visit, shop: str) -> None:
    visit.page.goto(shop)
    session = visit.ids()["session_id"]
    visit.page.evaluate("for (const each of document.links) each.addEventListener('click', (e) => e.preventDefault())")
    for link in ("#out", "#file", "#second"):
        visit.page.click(link)
    visit.page.evaluate("pulse.flush()")
    eventually(lambda: visit.events("file_download", session_id=session))
    (out,) = visit.events("outbound_link", session_id=session)
    assert out.properties == {"href": "http://localhost:9/away", "host": "localhost"}
    (file,) = visit.events("file_download", session_id=session)
    assert file.properties == {"href": f"{shop}/list.pdf", "extension": "pdf"}


def test_another_hash_is_another_page_where_the_site_says_so(visit: Visit, shop: str) -> None:
    visit.page.goto(f"{shop}/second")
    session = visit.ids()["session_id"]
    visit.page.evaluate("location.hash = 'part'")
    eventually(lambda: visit.page.evaluate("pulse.flush()") or visit.events("page_view", url=f"{shop}/second#part"))
    assert [e.url for e in visit.events("page_view", session_id=session)] == [f"{shop}/second", f"{shop}/second#part"]


def test_after_half_an_hour_of_silence_a_session_gives_way_to_another(visit: Visit, shop: str) -> None:
    visit.page.goto(shop)
    first = visit.ids()["session_id"]
    visit.page.evaluate(
        """() => {
            const session = JSON.parse(localStorage['pulse.session']);
            localStorage['pulse.session'] = JSON.stringify({...session, seen: session.seen - 1_800_001});
        }"""
    )
    visit.page.evaluate("pulse.track('again'); pulse.flush()")
    (again,) = eventually(lambda: visit.events("again", session_id=visit.ids()["session_id"]))
    assert again.session_id != first
    (end,) = visit.events("session_end", session_id=first)
    assert again.ts - end.ts >= 1_800_000  # type: ignore[operator]
    assert names(visit.events("session_start", session_id=again.session_id)) == ["session_start"]


def test_errors_are_told_once_each_and_bounded(visit: Visit, shop: str) -> None:
    visit.page.goto(shop)
    session = visit.ids()["session_id"]
    visit.page.evaluate(
        """() => {
            for (const n of [1, 1, ...Array(20).keys()]) setTimeout(() => { throw new Error('broken ' + n) });
            setTimeout(() => Promise.reject(new Error('x'.repeat(5000))));
        }"""
    )
    visit.page.wait_for_timeout(100)
    visit.page.evaluate("pulse.flush()")
    told = eventually(lambda: visit.events("error", session_id=session))
    messages = [e.properties["message"] for e in told if e.properties]
    assert len(messages) == len(set(messages)) == 10
    assert "broken 1" in messages[0]


def test_forms_are_told_without_a_word_of_what_is_written(visit: Visit, shop: str) -> None:
    visit.page.goto(shop)
    session = visit.ids()["session_id"]
    visit.page.fill("[name=email]", "somebody@example.net")
    visit.page.fill("[name=card]", "4111 1111")
    visit.page.click("#send")
    visit.page.wait_for_url("**/second?**")
    visit.page.goto(f"{shop}/second")
    visit.page.fill("[name=card]", "4111 1111")
    visit.page.goto(f"{shop}/")
    (left,) = eventually(lambda: visit.events("form_abandon", session_id=session))
    assert names(visit.events("form_start", session_id=session)) == ["form_start"] * 2
    (submitted,) = visit.events("form_submit", session_id=session)
    assert submitted.properties
    assert {**submitted.properties, "duration_ms": 0} == {
        "form": "order",
        "fields": 2,
        "last_field": "card",
        "duration_ms": 0,
    }
    assert left.properties
    assert (left.properties["form"], left.properties["last_field"]) == ("order", "card")
    told = [e.properties for e in visit.events(session_id=session) if e.event.startswith("form_")]
    assert "somebody" not in str(told)
    assert "4111" not in str(told)


def test_a_form_whose_fields_are_called_as_its_own_attributes_is_told_as_any_other(visit: Visit, shop: str) -> None:
    visit.page.goto(f"{shop}/odd")
    session = visit.ids()["session_id"]
    visit.page.evaluate("addEventListener('submit', (event) => event.preventDefault())")
    visit.page.click("[name=id]")
    visit.page.fill("[name=id]", "4111 1111")
    visit.page.click("[name=name]")
    visit.page.evaluate("pulse.flush()")
    (sent,) = eventually(lambda: visit.events("form_submit", session_id=session))
    assert sent.properties
    assert (sent.properties["form"], sent.properties["last_field"]) == ("form 1", "id")
    clicked = [e.properties["element"] for e in visit.events("click", session_id=session) if e.properties]
    assert clicked == ["body>form>input", "body>form>button"]
    assert not visit.events("error", session_id=session)


def test_what_happens_offline_or_in_vain_arrives_once_later(visit: Visit, shop: str) -> None:
    page, tried = visit.page, []

    def refuse(route: Route) -> None:
        tried.append(route.request.post_data)
        route.fulfill(status=503, headers={"retry-after": "1", "access-control-allow-origin": "*"})

    visit.context.route("**/v1/events?**", refuse, times=1)
    with page.expect_response(lambda each: each.status == 503):
        page.goto(shop)
    session = visit.ids()["session_id"]
    arrived_first = eventually(lambda: (page.title(), visit.events(session_id=session))[1])
    assert names(arrived_first)[:2] == ["session_start", "page_view"]
    (view,) = visit.events("page_view", session_id=session)
    assert str(view.event_id) in str(tried[0])

    visit.context.set_offline(True)
    page.evaluate("for (let n = 0; n < 150; n++) pulse.track('offline', {n, filler: 'x'.repeat(200)})")
    page.evaluate("pulse.flush()")
    visit.close()
    visit.context.set_offline(False)
    visit.page = visit.context.new_page()
    visit.page.goto(f"{shop}/second")
    visit.page.evaluate("for (let n = 150; n < 200; n++) pulse.track('offline', {n})")
    visit.page.evaluate("pulse.flush()")

    def arrived() -> bool:
        visit.page.wait_for_timeout(50)
        return len(visit.events("offline", session_id=session)) == 200

    eventually(arrived)
    found = visit.events("offline", session_id=session)
    assert sorted(e.properties["n"] for e in found if e.properties) == list(range(200))
    assert any(each.headers.get("content-encoding") == "gzip" for each in visit.requests)
    visit.page.evaluate("pulse.flush()")
    eventually(lambda: visit.page.evaluate("Object.keys(localStorage).filter((n) => n.includes('queue')).length") == 0)


def test_a_page_that_is_hidden_while_offline_loses_nothing_also_where_it_may_store_nothing(
    visit: Visit, shop: str
) -> None:
    url = f"{shop}/anonymous?{uuid4()}"
    visit.page.goto(url)
    eventually(lambda: visit.page.evaluate("pulse.flush()") or visit.events("page_view", url=url))
    visit.context.set_offline(True)
    visit.page.evaluate(
        """() => {
            pulse.track('meanwhile');
            Object.defineProperty(document, 'visibilityState', {value: 'hidden'});
            document.dispatchEvent(new Event('visibilitychange', {bubbles: true}));
        }"""
    )
    visit.page.wait_for_timeout(100)
    visit.context.set_offline(False)
    eventually(lambda: (visit.page.title(), visit.events("meanwhile", url=url))[1])
    assert visit.page.evaluate("localStorage.length") == 0


@pytest.mark.parametrize("control", [False, True], ids=["unasked", "global privacy control"])
def test_without_consent_nothing_of_the_device_leaves_it_and_nothing_is_kept(
    visit: Visit, shop: str, control: bool
) -> None:
    if control:
        visit.context.add_init_script(
            "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
        )
    url = f"{shop}/{'second' if control else 'anonymous'}?{uuid4()}"
    visit.page.goto(url)
    visit.page.wait_for_load_state("networkidle")
    visit.page.click("#buy")
    visit.page.evaluate("pulse.identify('u-1')")
    kept = "[localStorage.length, sessionStorage.length, document.cookie]"
    assert visit.page.evaluate(kept) == [0, 0, ""]
    visit.close()

    eventually(lambda: visit.events("web_vitals", url=url))
    found = visit.events(url=url)
    assert {"page_view", "buy", "identify", "web_vitals"} <= set(names(found))
    assert {e.consent for e in found} == ({"denied"} if control else {None})
    for event in found:
        assert not any(getattr(event, name) for name in ASKED_OF_NOBODY)
    assert not visit.fetched("device")
    sent = visit.sent()
    assert not [word for word in ("screen", "timezone", "language", "canvas", "webdriver", "device") if word in sent]


def test_consent_brings_the_device_and_its_withdrawal_forgets_all(visit: Visit, shop: str) -> None:
    visit.page.goto(f"{shop}/anonymous")
    visit.page.evaluate("pulse.consent('granted')")
    session = eventually(lambda: visit.ids()["session_id"])
    (told,) = eventually(
        lambda: visit.page.evaluate("pulse.flush()") or visit.events("device_signals", session_id=session)
    )
    assert told.properties
    device = told.properties["device"]
    assert told.properties["purpose"] == "consent"
    assert "webdriver" in device["automation"]
    assert device["inconsistent"] == ""
    assert (device["timezone"], device["cores"] > 0, len(device["canvas"])) == (told.timezone, True, 32)
    assert len(device["audio"]) == 32
    assert told.fingerprint_id
    visit.page.reload()
    visit.page.evaluate("pulse.track('later'); pulse.flush()")
    (later,) = eventually(lambda: visit.events("later", session_id=session))
    assert later.fingerprint_id == told.fingerprint_id
    assert len(visit.events("device_signals", session_id=session)) == 1

    token = str(uuid4())
    visit.page.evaluate("pulse.consent('denied')")
    assert visit.page.evaluate("Object.keys(localStorage)") == ["pulse.consent"]
    visit.page.evaluate(f"pulse.track('{token}'); pulse.flush()")
    (after,) = eventually(lambda: visit.events(token))
    assert after.consent == "denied"
    assert not any(getattr(after, name) for name in ASKED_OF_NOBODY)


def said(visit: Visit) -> RawEvent:
    """An event that the page tells now: whose it is, as the page sees it."""
    token = str(uuid4())
    visit.page.evaluate(f"pulse.track('{token}'); pulse.flush()")
    (found,) = eventually(lambda: visit.events(token))
    return found


def test_an_answer_on_one_page_holds_on_the_others_that_are_open(visit: Visit, shop: str) -> None:
    visit.page.goto(shop)
    session = visit.ids()["session_id"]
    first, other = visit.page, visit.context.new_page()
    other.goto(f"{shop}/anonymous")
    other.evaluate("""() => {
        window.heard = [];
        addEventListener('storage', ({key, newValue}) => key === 'pulse.consent' && heard.push(newValue));
    }""")
    first.evaluate("pulse.consent('granted')")  # what it began with, and now the visitor's own answer
    other.wait_for_function("heard.includes('\"granted\"')")
    visit.page = other
    assert said(visit).session_id == session

    first.evaluate("pulse.identify('ada'); pulse.consent('denied')")
    other.wait_for_function("heard.includes('\"denied\"')")
    after = said(visit)
    assert (after.consent, after.user_id) == ("denied", None)
    assert not any(getattr(after, name) for name in ASKED_OF_NOBODY)
    assert other.evaluate("Object.keys(localStorage)") == ["pulse.consent"]
    first.evaluate("pulse.flush()")
    assert names(eventually(lambda: visit.events("session_end", session_id=session))) == ["session_end"]

    first.evaluate("pulse.consent('granted')")
    other.wait_for_function("heard.length === 3")
    assert said(visit).session_id == visit.ids()["session_id"] not in (None, session)


def test_a_page_that_comes_back_from_the_browsers_memory_has_heard_the_answer_meanwhile(
    visit: Visit, shop: str
) -> None:
    visit.page.goto(shop)
    assert visit.ids()["session_id"]
    visit.page.evaluate(
        """() => {
            localStorage['pulse.consent'] = '"denied"';
            dispatchEvent(new PageTransitionEvent('pageshow'));
        }"""
    )
    assert visit.page.evaluate("Object.keys(localStorage)") == ["pulse.consent"]


def test_a_no_forgets_also_what_was_kept_or_named_before_this_page_had_an_answer(visit: Visit, shop: str) -> None:
    visit.page.goto(shop)
    visit.page.evaluate("pulse.identify('ada')")
    assert visit.page.evaluate("Object.keys(localStorage).sort()") == ["pulse.session", "pulse.user", "pulse.visitor"]
    visit.page.goto(f"{shop}/anonymous")
    visit.page.evaluate("localStorage['pulse.queue.left'] = '[]'")
    visit.page.evaluate("pulse.identify('ada')")
    assert said(visit).user_id == "ada"
    visit.page.evaluate("pulse.consent('denied')")
    assert visit.page.evaluate("Object.keys(localStorage)") == ["pulse.consent"]
    assert visit.ids() == {"visitor_id": None, "session_id": None, "user_id": None}
    assert said(visit).user_id is None


def test_a_browser_that_says_no_has_what_was_kept_deleted(visit: Visit, shop: str) -> None:
    visit.page.goto(shop)
    assert visit.ids()["visitor_id"]
    visit.context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
    )
    visit.page.goto(f"{shop}/second")
    assert visit.page.evaluate("localStorage.length") == 0


def test_a_site_that_says_its_security_wants_them_gets_signals_and_keeps_nothing(visit: Visit, shop: str) -> None:
    visit.page.add_init_script("document.addEventListener('pulse:ready', () => pulse.identify('ada'))")
    url = f"{shop}/secured?{uuid4()}"
    visit.page.goto(url)
    secured = f"{shop}/secured"
    (told,) = eventually(lambda: visit.page.evaluate("pulse.flush()") or visit.events("device_signals", url=secured))
    assert [e.user_id for e in visit.events("identify", url=url)] == ["ada"]
    assert [told.user_id, told.visitor_id, told.session_id, told.referrer] == [None] * 4
    assert told.properties
    assert told.properties["purpose"] == "security"
    assert told.fingerprint_id
    assert [e.fingerprint_id for e in visit.events("page_view", url=url)] == [None]
    assert visit.page.evaluate("localStorage.length") == 0

    visit.page.evaluate("pulse.consent('denied')")
    again = f"{shop}/secured?{uuid4()}"
    visit.page.goto(again)
    visit.page.wait_for_load_state("networkidle")
    visit.close()
    eventually(lambda: visit.events("web_vitals", url=again))
    assert names(e for e in visit.events() if e.url in (secured, again) and e.event == "device_signals") == [
        "device_signals"
    ]


@pytest.mark.parametrize(
    ("agent", "is_mobile", "found"),
    [(TABLET, False, ""), (PHONE, True, "touch"), (PHONE, False, "client_hints,touch"), (TABLET, True, "client_hints")],
    ids=["tablet", "phone without touch", "phone that hints at none", "tablet that hints at a phone"],
)
def test_a_tablet_agrees_with_itself_and_a_phone_that_is_none_does_not(
    browser: Browser, collector: Collector, broker: str, shop: str, agent: str, is_mobile: bool, found: str
) -> None:
    with visiting(browser, collector.url, broker, user_agent=agent, is_mobile=is_mobile) as visit:
        visit.page.goto(shop)
        session = visit.ids()["session_id"]
        (told,) = eventually(
            lambda: visit.page.evaluate("pulse.flush()") or visit.events("device_signals", session_id=session)
        )
    assert told.properties
    assert told.properties["device"]["inconsistent"] == found


def test_pulse_js_is_begun_by_hand_and_knows_where_it_came_from(visit: Visit, shop: str, collector: Collector) -> None:
    url = f"{shop}/bare?{uuid4()}"
    visit.page.goto(url)
    visit.page.evaluate("pulse.track('early', {n: 1}, {revenue: 5, currency: 'EUR'})")
    assert not [each for each in visit.requests if each.method == "POST"]
    visit.page.evaluate("(key) => PulseGate.init({key, off: 'vitals'})", collector.keys["page"])
    visit.page.fill("[name=email]", "x")
    visit.page.evaluate("pulse.flush()")
    eventually(lambda: visit.events("form_start", url=url))
    found = visit.events(url=url)
    assert sorted(names(found)) == ["early", "form_start", "page_view"]
    (early,) = visit.events("early", url=url)
    assert (early.revenue, early.currency) == (5, "EUR")
    assert not visit.fetched("vitals")


def verdict(browser: Browser, collector: Collector, broker: str, shop: str) -> dict[str, Any]:
    """What refinement says of the device by which somebody comes to the shop and agrees."""
    with visiting(browser, collector.url, broker) as visit:
        visit.page.goto(shop)
        session = visit.ids()["session_id"]
        (told,) = eventually(
            lambda: visit.page.evaluate("pulse.flush()") or visit.events("device_signals", session_id=session)
        )
    return only(json.encode(told))


def test_a_driven_browser_without_a_screen_is_told_from_a_persons(
    browser: Browser, collector: Collector, broker: str, shop: str
) -> None:
    driven = verdict(browser, collector, broker, shop)
    assert (driven["bot"], driven["risk_band"]) == (True, "critical")
    assert driven["risk_bot"] > 90
    assert {"BOT_WEBDRIVER", "BOT_HEADLESS"} <= set(driven["risk_reasons"].split(","))


def test_the_same_page_in_a_browser_as_people_have_it_is_a_persons(
    browser: Browser, collector: Collector, broker: str, shop: str
) -> None:
    with display() as screen, launched(browser.browser_type, screen) as own:
        person = verdict(own, collector, broker, shop)
    assert not person.get("bot")
    assert (person.get("risk", 0), person["risk_band"], person.get("risk_reasons", "")) == (0, "low", "")


@pytest.mark.parametrize("path", ["/contact", "/contact/anonymous"])
def test_a_form_that_is_a_lead_is_sent_with_whose_it_is_where_the_visitor_agreed(
    visit: Visit, shop: str, collector: Collector, path: str
) -> None:
    email = f"{uuid4().hex}@example.org"
    visit.page.goto(f"{shop}{path}")
    visit.page.wait_for_load_state("networkidle")
    ids = visit.ids()
    for name, text in (("FIRSTNAME", "Ada"), ("email", email), ("pin", "1234")):
        visit.page.fill(f"[name={name}]", text)
    visit.page.check("[name=consent]")
    visit.page.click("#send")
    store, secret = Store(f"sqlite:///{collector.folder / 'pulse.db'}"), SECRET.encode()
    wanted = Wanted(email_mark=email_mark(secret, SITE, email))
    (lead,) = eventually(lambda: store.leads.list("ours", SITE, wanted, 2))
    store.close()
    assert (lead.session, lead.visitor) == (ids["session_id"] or "", ids["visitor_id"] or "")
    assert bool(lead.session) is (path == "/contact")
    assert (lead.form, lead.page) == ("contact", "/own")
    person = personal_of(lead, Seal(secret, LEADS))
    assert (person.name, person.email) == ("Ada", email)
    assert person.fields == {"wants": "tea, milk", "event_id": "42", "elements": ""}
    assert 0 < (lead.seconds or 0) < 60
