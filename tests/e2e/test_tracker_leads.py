"""Forms that are leads, in a real browser: what is sent of them, and whose they are."""

from uuid import uuid4

import pytest

from api.control.leads import Wanted, email_mark, personal_of
from api.control.seal import LEADS, Seal
from api.control.store import Store
from tests.browsing import Visit
from tests.collecting import SECRET, SITE, Collector
from tests.eventually import eventually


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
    assert person.fields == {"wants": "tea, milk", "event_id": "42", "elements": "", "consent": "on"}
    assert 0 < (lead.seconds or 0) < 60
