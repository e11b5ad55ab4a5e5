"""Masks say as little of whoever it is, whoever that is; and what is told of leads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.leads.mask import HIDDEN, mask_email, mask_name, mask_phone, mask_text
from pulse.leads.notice import CREATED, with_personal
from pulse.leads.personal import Personal, Value
from pulse.leads.suspecting import is_among
from pulse.notice import Notice
from pulse.outbound.mail import mail_of
from pulse.outbound.summary import summary_of
from pulse.outbound.template import render

WORDS = st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="@•"), min_size=1, max_size=20)
TEXTS = st.text(st.characters(exclude_characters="•"), min_size=1, max_size=40)
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=10)
PEOPLE = st.builds(
    Personal, TEXTS, st.builds("{}@{}".format, WORDS, WORDS), TEXTS, TEXTS, st.dictionaries(WORDS, VALUES, max_size=3)
)


@pytest.mark.parametrize(
    ("mask", "text", "masked"),
    [
        (mask_email, "jane@example.com", "j•••@example.com"),
        (mask_email, "j@example.com", "•••@example.com"),
        (mask_email, '"a@b"@example.com', '"•••@example.com'),
        (mask_email, "@example.com", "•••@example.com"),
        (mask_email, "jane", "•••"),
        (mask_email, "", ""),
        (mask_name, "Ada Lovelace", "A••• L•••"),
        (mask_name, "Ö X", "••• •••"),
        (mask_name, " ", ""),
        (mask_phone, "+43 660 1234567", "•••67"),
        (mask_phone, "12345", "•••"),
        (mask_phone, "", ""),
        (mask_text, "a secret", "•••"),
        (mask_text, "", ""),
    ],
)
def test_masks(mask: type[str], text: str, masked: str) -> None:
    assert mask(text) == masked


@given(WORDS, WORDS, WORDS)
def test_of_an_address_nothing_is_told_but_its_beginning_and_domain(first: str, second: str, domain: str) -> None:
    one, other = f"a{first}@{domain}", f"a{second}@{domain}"
    assert mask_email(one) == mask_email(other) == f"a{HIDDEN}@{domain}"


@given(WORDS, WORDS)
def test_of_a_name_nothing_is_told_but_beginnings(first: str, second: str) -> None:
    assert mask_name(f"a{first} b{first}") == mask_name(f"a{second}\tb{second}") == f"a{HIDDEN} b{HIDDEN}"


@given(st.from_regex(r"[0-9]{4,12}", fullmatch=True), st.from_regex(r"[0-9]{4,12}", fullmatch=True))
def test_of_a_number_nothing_is_told_but_its_end(first: str, second: str) -> None:
    assert mask_phone(f"+43 {first} 99") == mask_phone(f"0{second}-99") == f"{HIDDEN}99"


@given(PEOPLE)
def test_what_somebody_wrote_is_masked_whole_and_nobody_is_logged(person: Personal) -> None:
    masked = person.masked()
    assert {masked.message, *masked.fields.values()} <= {HIDDEN, ""}
    assert masked.fields.keys() == person.fields.keys()
    assert repr(person) == "Personal(…)"


@given(PEOPLE, st.booleans())
def test_a_notice_is_told_with_who_it_is_and_of_itself_holds_nobody(person: Personal, masked: bool) -> None:
    notice = Notice(id="lead-1", kind=CREATED, site_id="shop", at=0, data={"lead_id": "1", "suspicion": 0})
    told = with_personal(notice, person, masked)
    assert told.data == {**person.told(masked), "masked": masked, **notice.data}
    assert notice.data == {"lead_id": "1", "suspicion": 0}
    assert summary_of(told).title.startswith("lead.created")


def test_people_are_told_what_somebody_wrote_before_what_pulse_says_of_it_and_mail_tells_all() -> None:
    fields: dict[str, Value] = {
        "company": "Engines",
        "plan": "[free](https://evil.example)",
        **{f"f{n}": "x" * 300 for n in range(9)},
    }
    person = Personal("Ada", "ada@example.org", message="hi\nstatus: spam", fields=fields)
    more = {
        "form": "f",
        "page": "/p",
        "suspicion": 0,
        "suspicion_band": "low",
        "reasons": [],
        "session_id": "",
        "status": "new",
    }
    told = with_personal(Notice(id="lead-1", kind=CREATED, site_id="shop", at=0, data=more), person, masked=False)
    names = [
        "site",
        "email",
        "message",
        "form",
        "page",
        "fields.company",
        "fields.plan",
        "fields.f0",
        "fields.f1",
        "fields.f2",
    ]
    assert [name for name, _ in summary_of(told).facts] == names
    mail = mail_of(told, "m", "mailto:ops@example.org", "pulse@example.org", 0).get_content()
    lines = mail.splitlines()
    assert {*(f"fields.f{n}: {'x' * 300}" for n in range(9)), "message: hi", "    status: spam", "suspicion: 0"} <= {
        *lines
    }
    assert not any(line.startswith(("phone", "session_id", "reasons")) for line in lines)
    for template in ("teams", "discord"):
        assert "](" not in render(template, told, {}).body.decode()


@pytest.mark.parametrize(
    ("domain", "listed", "is_one"),
    [
        ("rival.example", ["rival.example"], True),
        ("mail.rival.example", ["@Rival.example "], True),
        ("notrival.example", ["rival.example"], False),
        ("rival.example", [], False),
        ("rival.example", ["", 7, None], False),
        ("rival.example", "rival.example", False),
        ("rival.example", None, False),
        ("", [""], False),
    ],
)
def test_competitors_are_those_that_the_site_lists(domain: str, listed: object, is_one: bool) -> None:
    assert is_among(domain, listed) is is_one
