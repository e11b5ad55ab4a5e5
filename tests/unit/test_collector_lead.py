"""Forms that people sent, read: whatever they are, a lead or a problem; and nothing of who it is in the event."""

import random
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json
from msgspec.structs import replace

from api.collector.answer import Problem
from api.collector.decode import Incoming
from api.collector.lead.form import LEAD, MAX_BYTES
from api.collector.lead.names import ALSO, FIRST, FULL, LAST, OWN
from api.collector.stamp import Receipt
from api.control.leads import NewLead
from pulse.leads.personal import Personal, Value
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
    told = {
        "form": "contact",
        "page": "https://shop.example.com/contact?mail=ada@example.org&utm_source=ad#x",
        "lead_id": ID,
    }
    more = {"fields": {"company": "Engines", "seats": 3}, "__pg_hp": "", "__pg_tts": 12.5, "budget": "10k"}
    lead, event = read({**ADA, **WHOSE, **told, **more})

    person = Personal(**ADA, fields={"budget": "10k", "company": "Engines", "seats": 3})
    page = "https://shop.example.com/contact"
    assert lead == NewLead(ID, "shop", NOW, "contact", page, "s-1", "v-1", True, False, 12.5, person)
    assert (event.event, event.session_id, event.visitor_id, event.url) == (
        "lead",
        "s-1",
        "v-1",
        f"{page}?utm_source=ad",
    )
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
    whole = read({"full_name": "Ada L.", "first_name": "Ada"})[0].personal
    assert (whole.name, whole.fields) == ("Ada L.", {"first_name": "Ada"})
    assert read(b"name=Ada&wants=tea&wants=milk&__pg_tts=")[0].personal.fields == {"wants": "tea, milk"}
    assert read({"name": "Ada", "wants": ["tea", 2, None, "tea"], "none": None})[0].personal.fields == {
        "wants": "tea, 2",
        "none": None,
    }


def test_of_several_names_for_the_same_its_own_counts_and_the_others_stay_fields() -> None:
    person = {"page": "https://shop.example.com/x", "url": "https://ada.dev", "message": "hi", "comments": "after 5pm"}
    body = {**person, "phone": "1", "tel": "2", "mail": "a@x.example", "name": "Lovelace", "firstname": "Ada"}
    others: dict[str, Value] = {"url": "https://ada.dev", "comments": "after 5pm", "tel": "2", "firstname": "Ada"}
    for sent in (body, dict(reversed(body.items())), urlencode(body).encode()):
        lead, event = read(sent)
        assert lead.personal == Personal("Lovelace", "a@x.example", "1", "hi", others)
        assert (lead.page, event.url) == (person["page"], person["page"])
    assert read({"email": "", "mail": "a@x.example"})[0].personal == Personal(email="a@x.example")
    assert read({"name": "A", "a": "1", "a ": "2", "fields": {"a": 3}})[0].personal.fields == {"a": "1, 3, 2"}
    assert read({"name": "A", "a\u0007": "1", "a": "2", "b": "", "b\0": "3"})[0].personal.fields == {
        "a": "1, 2",
        "b": "3",
    }


@pytest.mark.parametrize("other", ["42", "0199c0de-0000-7000-8000-000000000000", 7, ""])
def test_a_field_called_event_id_does_not_take_the_place_of_the_leads_id(other: Any) -> None:
    """Pages that sell tickets have one, the same in each form that is sent."""
    lead, _ = read({"name": "Ada", "event_id": other, "lead_id": ID})
    assert (lead.id, lead.personal.fields) == (ID, {"event_id": other} if other else {})
    alone, again = (read({"name": "Ada", "event_id": "42"})[0] for _ in range(2))
    assert alone.personal.fields == {"event_id": "42"}
    assert alone.id != again.id


@pytest.mark.parametrize(
    "odd",
    [
        {"mail": "on"},
        {"__pg_tts": -1.0},
        {"__pg_tts": "1e999"},
        {"__pg_tts": "soon"},
        {"session_id": 5},
        {"form": "x" * 201},
        {"comment": "x" * 10_000, "message": "hi"},
        {"page": 7},
        {"nachricht": "x" * 2_001},
    ],
)
def test_no_lead_is_refused_for_what_does_not_say_who_it_is(odd: dict[str, Any]) -> None:
    lead, event = read({"name": "Ada", **odd})
    assert lead.personal.fields == {name: value for name, value in odd.items() if name != "message"}
    assert (lead.seconds, lead.session, lead.form, event.url) == (None, "", "", None)


def test_an_address_that_was_asked_for_twice_is_one() -> None:
    assert read({"email": ["a@b.example", "a@b.example"]})[0].personal.email == "a@b.example"
    assert read(b"email=a%40b.example&email=&email=a%40b.example")[0].personal.email == "a@b.example"


def test_marks_and_bytes_that_are_none() -> None:
    assert read(b"\xef\xbb\xbf" + json.encode(ADA))[0].personal == Personal(**ADA)
    with pytest.raises(Problem) as told:
        read(b"name=Ada&message=%ff")
    assert told.value.name == "malformed"


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
        ({"name": "\u0007"}, "email"),
        ({"email": "ada"}, "email"),
        ({"email": "ada @example.org"}, "email"),
        ({"email": 7}, "email"),
        ({"name": "x" * 201}, "name"),
        ({"name": "Ada", "phone": "1" * 65}, "phone"),
        ({"name": "Ada", "message": "x" * 10_001}, "message"),
        ({"name": "Ada", "lead_id": "mine"}, "lead_id"),
        (urlencode({"name": "Ada", **{f"f{n}": "" for n in range(101)}}).encode(), "fields"),
        ({"name": "Ada", "fields": {"a": {"b": 1}}}, "fields"),
        ({"name": "Ada", "a": "x" * 10_001}, "fields"),
        ({"name": "Ada", **{f"f{n}": "" for n in range(51)}}, "fields"),
        ({"name": "Ada", "a": 2**60}, "fields"),
    ],
)
def test_a_bad_field_is_named(body: Any, field: str) -> None:
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
    address = f"https://{secret}:{secret}@shop.example.com/a?utm_source=ad&email={secret}#{secret}"
    _, event = read({**body, "page": address, "referrer": address, "url": address, "form": "contact"})
    assert secret not in json.encode(event).decode()
    assert event.url == event.referrer == "https://shop.example.com/a?utm_source=ad"


@pytest.mark.parametrize("evil", EVIL)
def test_what_would_be_script_elsewhere_stays_the_text_that_it_is(evil: str) -> None:
    person = read({"name": evil, "message": evil, "fields": {"a": evil}})[0].personal
    assert (person.name, person.message, person.fields) == (evil.strip(), evil.strip(), {"a": evil.strip()})


def parts(*fields: tuple[str, str], more: str = "", boundary: str = "----WebKitFormBoundaryx") -> bytes:
    """A body as browsers make it of a form with a field for files."""
    made = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields]
    file = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="cv"; filename="cv.pdf"\r\nContent-Type: application/pdf'
    )
    return "".join([*made, f"{file}\r\n\r\n%PDF secret\r\n", more, f"--{boundary}--\r\n"]).encode()


def read_parts(body: bytes) -> NewLead:
    sent = LEAD.read(body, True, PAGE, random.getrandbits)
    assert sent.lead is not None
    return sent.lead


def status_in_parts(body: bytes) -> int:
    """How such a body is answered."""
    try:
        read_parts(body)
    except Problem as told:
        return told.status
    return LEAD.status


def test_a_form_in_parts_is_the_same_lead_without_its_files() -> None:
    fields = [
        ("FIRSTNAME", "Ada"),
        ("email", "ada@example.org"),
        ("wants", "tea"),
        ("wants", "milk"),
        ("größe", "--x\r\n--y"),
    ]
    lead = read_parts(parts(*fields, ("a%22b", "1"), ("consent", "on"), ("__pg_tts", "7.5")))
    more: dict[str, Value] = {"wants": "tea, milk", "größe": "--x\n--y", 'a"b': "1", "consent": "on"}
    assert lead.personal == Personal("Ada", "ada@example.org", "", "", more)
    assert lead.seconds == 7.5
    encoded = read(urlencode([*fields, ('a"b', "1"), ("consent", "on")]).encode())[0]
    assert encoded.personal == lead.personal


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "boundary"),
        (b"name=Ada", "boundary"),
        (b"--", "boundary"),
        (parts(("name", "Ada"))[:-10], "cut off"),
        (parts(("name", "Ada"), boundary="x" * 71), "boundary"),
        (parts(("name", "Ada")).replace(b"Ada", b"\xff"), "UTF-8"),
        (b"--x\r\nContent-Disposition: form-data; name=a\r\n--x--", "without a text"),
        (parts(*[("a", "")] * 101, ("name", "Ada")), "parts"),
        (parts(("form", "contact")), "must be there"),
    ],
)
def test_parts_that_are_none_are_refused_with_why(body: bytes, said: str) -> None:
    with pytest.raises(Problem) as told:
        read_parts(body)
    assert (told.value.status, said in told.value.detail) == (400, True), told.value.detail


@given(
    st.binary(max_size=300)
    | st.lists(
        st.sampled_from([b"--x", b"\r\n", b"--", b"Content-Disposition: form-data; name=", b'"', b"a", b";"]),
        max_size=30,
    ).map(b"".join)
)
def test_every_body_in_parts_becomes_a_lead_or_a_problem(body: bytes) -> None:
    assert status_in_parts(b"--x\r\n" + body + b"\r\n--x--") in (200, 400)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters='"\r\n%', exclude_categories=["Cs"]), min_size=1, max_size=20),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
        max_size=10,
    )
)
def test_what_is_sent_in_parts_is_what_is_sent_otherwise(fields: dict[str, str]) -> None:
    given_fields = {"email": "ada@example.org"} | fields
    try:
        encoded: NewLead | None = read(urlencode(given_fields).encode())[0]
    except Problem:
        encoded = None
    try:
        found: NewLead | None = read_parts(parts(*given_fields.items()))
    except Problem:
        found = None
    assert (found is None) is (encoded is None)
    if found is not None and encoded is not None:
        assert (found.personal, found.form, found.session) == (encoded.personal, encoded.form, encoded.session)


def test_which_field_is_one_too_many_or_too_long_is_said() -> None:
    assert refused({"name": "Ada", **{f"f{n}": "" for n in range(51)}}) == "fields.f50"
    assert refused({"name": "Ada", "company": "x", "about": "x" * 10_001}) == "fields.about"
    assert refused({"name": "Ada", "fields": {"a": 1, "b": {"c": 1}}}) == "fields.b"
    assert refused({"name": "Ada", "x" * 201: "1"}) == f"fields.{'x' * 60}…"
    assert refused(urlencode({"name": "Ada", "about": "x" * 10_001}).encode()) == "fields.about"


def test_control_characters_are_taken_away() -> None:
    person = read({"name": "A\u0000d\u001ba\u202e", "message": "one\r\ntwo\tthree\u0007"})[0].personal
    assert (person.name, person.message) == ("Ada", "one\ntwo\tthree")


def test_types_that_are_taken() -> None:
    for taken in (b"application/json", b"text/plain; charset=utf-8", b"application/x-www-form-urlencoded", b""):
        assert LEAD.is_lines(taken) is False
    assert LEAD.is_lines(b"multipart/form-data; boundary=x") is True
    for untaken in (b"application/x-ndjson", b"multipart/mixed; boundary=x", b"text/html"):
        with pytest.raises(Problem) as told:
            LEAD.is_lines(untaken)
        assert told.value.status == 415
    assert LEAD.most_bytes == MAX_BYTES
