"""What visitors agree to, in a real browser: what leaves it and what is kept there, before an answer and after."""

from uuid import uuid4

import pytest

from pulse.event import RawEvent
from tests.browsing import Visit, names
from tests.eventually import eventually

ASKED_OF_NOBODY = ("visitor_id", "session_id", "fingerprint_id", "screen", "language", "timezone")


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


def test_a_word_that_is_no_answer_changes_nothing_and_is_said_so(visit: Visit, shop: str) -> None:
    warned: list[str] = []
    visit.page.on("console", lambda each: warned.append(each.text))
    visit.page.goto(f"{shop}/anonymous")
    for word in ("yes", "Granted", "", None, True):
        visit.page.evaluate("(word) => pulse.consent(word)", word)
    assert len([each for each in warned if 'an answer is "granted" or "denied", not' in each]) == 5
    assert visit.page.evaluate("localStorage.length") == 0
    assert said(visit).consent is None
    visit.page.evaluate("pulse.consent('granted')")
    visit.page.evaluate("pulse.consent('yes')")
    assert said(visit).consent == "granted"


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


def test_a_yes_on_one_page_is_one_visit_of_one_person_on_all_that_are_open(visit: Visit, shop: str) -> None:
    visit.page.goto(f"{shop}/anonymous")
    first, other = visit.page, visit.context.new_page()
    other.goto(f"{shop}/anonymous")
    other.evaluate("""() => {
        window.heard = [];
        addEventListener('storage', ({key}) => key === 'pulse.consent' && heard.push(pulse.ids()));
    }""")
    for time in range(5):
        begun = first.evaluate("pulse.identify('ada'); pulse.consent('granted'); pulse.ids()")
        other.wait_for_function(f"heard.length === {2 * time + 1}")
        assert other.evaluate("heard.at(-1)") == begun
        assert None not in begun.values()
        visit.page = other
        assert (said(visit).session_id, said(visit).user_id) == (begun["session_id"], "ada")
        assert first.evaluate("pulse.ids()") == begun
        first.evaluate("pulse.consent('denied')")
        other.wait_for_function(f"heard.length === {2 * time + 2}")


def test_who_signs_in_or_out_on_one_page_does_so_on_all_that_are_open(visit: Visit, shop: str) -> None:
    visit.page.goto(shop)
    first, other = visit.page, visit.context.new_page()
    other.goto(shop)
    visit.page = other
    first.evaluate("pulse.identify('ada')")
    other.wait_for_function("pulse.ids().user_id === 'ada'")
    signed_in = said(visit)
    assert signed_in.user_id == "ada"
    first.evaluate("pulse.reset()")
    other.wait_for_function("pulse.ids().user_id === null")
    after = said(visit)
    assert after.user_id is None
    assert after.visitor_id not in (None, signed_in.visitor_id)
    assert after.session_id not in (None, signed_in.session_id)


def test_a_no_right_after_a_yes_is_what_all_pages_keep(visit: Visit, shop: str) -> None:
    visit.page.goto(f"{shop}/anonymous")
    first, other = visit.page, visit.context.new_page()
    other.goto(f"{shop}/anonymous")
    other.evaluate("""() => {
        window.heard = 0;
        addEventListener('storage', ({key}) => heard += key === 'pulse.consent');
    }""")
    for time in range(5):
        first.evaluate("pulse.consent('granted'); pulse.consent('denied')")
        other.wait_for_function(f"heard >= {2 * time + 2}")
        for page in (other, first):
            visit.page = page
            assert said(visit).consent == "denied"
            assert page.evaluate("({...localStorage})") == {"pulse.consent": '"denied"'}


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
