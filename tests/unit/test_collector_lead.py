"""Forms that people sent, read: whatever they are, a lead or a problem; and nothing of who it is in the event."""

import random
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from api.collector.answer import Problem
from api.collector.decode import Incoming
from api.collector.lead.form import LEAD, MAX_BYTES
from api.collector.lead.names import ALSO, FIRST, FULL, LAST, OWN
from api.collector.stamp import Receipt
from api.control.leads import NewLead
from pulse.leads.personal import Personal
from tests.unit.test_collector_track import BODIES, EVIL, NOW, PAGE

ID = "0199c0de-7a1c-7d3e-9a77-3b1f00c0ffee"
ADA: dict[str, Any] = {
    "name": "Ada Lovelace",
    "email": "ada@example.org",
    "phone": "+43 660 1234567",
    "message": "Call me.\nPlease.",
}
WHOSE = {"session_id": "s-1", "visitor_id": "v-1"}
UNWILLING = replace(PAGE, unwilling=True)


def read(body: Any, receipt: Receipt = PAGE) -> tuple[NewLead, Incoming]:
    """What a body becomes."""
    sent = LEAD.read(body if isinstance(body, bytes) else json.encode(body), False, receipt, random.getrandbits)
    (event,) = sent.decoded.events
    assert sent.lead is not None
    assert json.decode(sent.kept(1, [])) == {"lead_id": sent.lead.id, "timestamp": receipt.received_at}
    assert event.event_id == sent.lead.id
    return sent.lead, event


def status(body: Any) -> int:
    """How a body is answered."""
    try:
        read(body)
    except Problem as told:
        return told.status
    return LEAD.status


def refused(body: Any) -> str:
    """The field for which a body is refused."""
    with pytest.raises(Problem) as told:
        read(body)
    assert told.value.status == 400
    found: str = told.value.members["errors"][0]["parameter"]
    return found


def test_a_form_in_the_words_of_the_contract() -> None:
    told = {"form": "contact", "page": "https://shop.example.com/contact?mail=ada@example.org#x", "lead_id": ID}
    more = {"fields": {"company": "Engines", "seats": 3}, "__pg_hp": "", "__pg_tts": 12.5, "budget": "10k"}
    lead, event = read({**ADA, **WHOSE, **told, **more})

    person = Personal(**ADA, fields={"budget": "10k", "company": "Engines", "seats": 3})
    page = "https://shop.example.com/contact"
    assert lead == NewLead(ID, "shop", NOW, "contact", page, "s-1", "v-1", True, False, 12.5, person)
    assert (event.event, event.session_id, event.visitor_id, event.url) == ("lead", "s-1", "v-1", told["page"])
    assert event.properties == {"form": "contact"}


def test_a_form_in_the_words_that_pages_send_already() -> None:
    body = {
        "FIRSTNAME": "Ada",
        "EMAIL": "ada@example.org",
        "PHONE": "6601234567",
        "COUNTRYCODE": "+43",
        "PROJECT": "Engine",
        "USER_MESSAGE": "Call me.",
        "__visitor_id": "v-1",
        "__pg_hp": "http://spam.example",
        "__pg_tts": "3",
    }
    for sent in (body, urlencode(body).encode()):
        lead, event = read(sent)
        person = Personal(
            "Ada", "ada@example.org", "6601234567", "Call me.", {"COUNTRYCODE": "+43", "PROJECT": "Engine"}
        )
        assert (lead.personal, lead.visitor, lead.honeypot, lead.seconds) == (person, "v-1", True, 3.0)
        assert event.visitor_id == "v-1"


def test_names_in_parts_and_values_in_several() -> None:
    assert read({"first_name": "Ada", "last_name": "Lovelace"})[0].personal.name == "Ada Lovelace"
    assert read({"full_name": "Ada L.", "first_name": "Ada"})[0].personal.name == "Ada L."
    assert read({"name": "A", "first_name": "Ada"})[0].personal.name == "A"
    assert read(b"name=Ada&wants=tea&wants=milk&__pg_tts=")[0].personal.fields == {"wants": "tea, milk"}
    assert read({"name": "Ada", "wants": ["tea", 2], "none": None})[0].personal.fields == {
        "wants": "tea, 2",
        "none": None,
    }


def test_a_box_called_consent_is_a_field_of_the_form_and_no_answer() -> None:
    lead, event = read({"name": "Ada", **WHOSE, "consent": "on", "fields": "of wheat"})
    assert lead.personal.fields == {"consent": "on", "fields": "of wheat"}
    assert (event.consent, lead.is_linked) == (None, True)


def test_every_other_name_leads_to_one_of_the_contract() -> None:
    assert set(ALSO.values()) <= {*OWN, FIRST, LAST, FULL}
    assert all(each == each.lower() for each in (*ALSO, *OWN))


def test_a_lead_without_an_id_gets_one_and_an_id_is_the_same_in_any_case() -> None:
    assert read(ADA)[0].id != read(ADA)[0].id
    assert read({**ADA, "event_id": ID.upper()})[0].id == ID


@pytest.mark.parametrize(
    ("receipt", "consent", "denied"),
    [
        (PAGE, None, False),
        (PAGE, "denied", True),
        (UNWILLING, None, True),
        (UNWILLING, "granted", False),
        (replace(UNWILLING, secret=True), None, False),
    ],
)
def test_who_does_not_want_to_be_followed_is_answered_and_not_followed(
    receipt: Receipt, consent: str | None, denied: bool
) -> None:
    lead, event = read({**ADA, **WHOSE, **({"consent": consent} if consent else {})}, receipt)
    followed = ("", "") if denied else ("s-1", "v-1")
    assert (lead.session, lead.visitor, lead.is_linked) == (*followed, not denied)
    assert (event.session_id or "", event.visitor_id or "") == followed
    assert event.consent == ("denied" if denied else consent)
    assert lead.personal == Personal(**ADA)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"form": "contact"}, "email"),
        ({"name": "  "}, "email"),
        ({"email": "ada"}, "email"),
        ({"email": "ada @example.org"}, "email"),
        ({"email": 7}, "email"),
        ({"name": "x" * 201}, "name"),
        ({"name": "Ada", "phone": "1" * 65}, "phone"),
        ({"name": "Ada", "message": "x" * 10_001}, "message"),
        ({"name": "Ada", "lead_id": "mine"}, "lead_id"),
        ({"name": "Ada", "__pg_tts": -1}, "__pg_tts"),
        ({"name": "Ada", "__pg_tts": "soon"}, "__pg_tts"),
        ({"name": "Ada", "fields": {"a": {"b": 1}}}, "fields"),
        ({"name": "Ada", "a": "x" * 2_001}, "fields"),
        ({"name": "Ada", **{f"f{n}": "" for n in range(51)}}, "fields"),
        ({"name": "Ada", "a": 2**60}, "fields"),
    ],
)
def test_a_bad_field_is_named(body: dict[str, Any], field: str) -> None:
    assert refused(body).startswith(field)


@given(BODIES | st.dictionaries(st.sampled_from([*OWN, *ALSO]) | st.text(), st.text() | st.integers(), max_size=8))
@settings(max_examples=150)
def test_every_body_becomes_a_lead_or_a_problem(body: Any) -> None:
    assert status(body) in (200, 400)


@given(st.binary(max_size=200))
def test_so_does_what_is_no_json(body: bytes) -> None:
    assert status(body) in (200, 400)


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=30), max_size=5))
def test_the_event_holds_nothing_of_who_it_is(more: dict[str, str]) -> None:
    secret = "4f1c9d"
    given_fields = {name: f"{secret}{value}" for name, value in more.items() if name.lower() not in {*OWN, *ALSO}}
    body = {"name": secret, "email": f"{secret}@x.example", "phone": secret, "message": secret, "fields": given_fields}
    _, event = read(body)
    assert secret not in json.encode(event).decode()


@pytest.mark.parametrize("evil", EVIL)
def test_what_would_be_script_elsewhere_stays_the_text_that_it_is(evil: str) -> None:
    person = read({"name": evil, "message": evil, "fields": {"a": evil}})[0].personal
    assert (person.name, person.message, person.fields) == (evil.strip(), evil.strip(), {"a": evil.strip()})


def test_control_characters_are_taken_away() -> None:
    person = read({"name": "A\u0000d\u001ba\u202e", "message": "one\r\ntwo\tthree\u0007"})[0].personal
    assert (person.name, person.message) == ("Ada", "one\ntwo\tthree")


def test_types_that_are_taken() -> None:
    for taken in (b"application/json", b"text/plain; charset=utf-8", b"application/x-www-form-urlencoded", b""):
        assert LEAD.is_lines(taken) is False
    for untaken in (b"application/x-ndjson", b"multipart/form-data; boundary=x", b"text/html"):
        with pytest.raises(Problem) as told:
            LEAD.is_lines(untaken)
        assert told.value.status == 415
    assert LEAD.most_bytes == MAX_BYTES
