"""The tracker in a real browser, on pages of another origin than the collector's: what it sends, and what it does not."""

from uuid import uuid4

from playwright.sync_api import Route

from tests.browsing import Visit, names
from tests.collecting import Collector, events
from tests.eventually import eventually


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


def test_what_many_earlier_pages_could_not_send_is_sent_whole(visit: Visit, shop: str) -> None:
    visit.page.goto(shop)
    left = """(id) => ["a", "b"].forEach((queue) => localStorage.setItem(`pulse.queue.${queue}`, JSON.stringify(
        Array.from({length: 300}, () => ({
            event: "left", event_id: crypto.randomUUID(), ts: Date.now(), session_id: id, visitor_id: id
        })))))"""
    session = uuid4().hex
    visit.page.evaluate(left, session)
    for _ in range(2):
        visit.page.reload()
        visit.page.evaluate("pulse.flush()")
        visit.page.wait_for_load_state("networkidle")
    eventually(lambda: (visit.page.title(), len(visit.events("left", session_id=session)) == 600)[1])


def test_after_half_a_minute_offline_all_arrives_once(visit: Visit, shop: str) -> None:
    page, often = visit.page, 60
    page.goto(shop)
    page.wait_for_load_state("networkidle")
    session = visit.ids()["session_id"]
    visit.context.set_offline(True)
    page.evaluate(
        """async (often) => {
            for (let n = 0; n < often; n++) {
                pulse.track('meanwhile', {n});
                await new Promise((over) => setTimeout(over, 30_000 / often));
            }
        }""",
        often,
    )
    assert not visit.events("meanwhile", session_id=session)
    visit.context.set_offline(False)
    eventually(lambda: (page.title(), len(visit.events("meanwhile", session_id=session)) == often)[1])
    page.evaluate("pulse.flush()")
    page.wait_for_load_state("networkidle")
    arrived = [each for each in events(visit.broker) if (each.event, each.session_id) == ("meanwhile", session)]
    assert [each.properties["n"] for each in arrived if each.properties] == list(range(often))
    took = arrived[-1].ts - arrived[0].ts  # type: ignore[operator]
    assert 28_000 < took < 40_000  # type: ignore[operator]
    assert len({each.event_id for each in arrived}) == often


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
