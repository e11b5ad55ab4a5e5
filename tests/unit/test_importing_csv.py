"""CSV: quotes, line ends in quotes, and broken rows that harm no other."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from pulse.importing import csvfile
from pulse.importing.line import Broken, Found


def read(text: str | bytes) -> list[Found | Broken]:
    raw = text.encode() if isinstance(text, str) else text
    return list(csvfile.events(enumerate(io.BytesIO(raw), 1)))


def event(header: str, row: str) -> Any:
    (found,) = read(f"{header}\n{row}\n")
    assert isinstance(found, Found), found
    return json.decode(json.encode(found.event))


def test_the_contracts_names() -> None:
    assert event("event,ts,url,revenue,currency", "purchase,1700000000000,https://x.example/,12.50,EUR") == {
        "event": "purchase",
        "ts": 1700000000000,
        "url": "https://x.example/",
        "revenue": 12.5,
        "currency": "EUR",
    }


def test_the_other_names_of_event_and_time() -> None:
    row = event("event_id,site_id,event_type,timestamp_ms,session_id,user_id,url,country", "e-1,main,view,1,s,u,/a,AT")
    assert (row["event"], row["ts"], row["site_id"], row["country"]) == ("view", 1, "main", "AT")


def test_an_id_that_is_no_uuid_becomes_one_that_follows_from_it() -> None:
    ids = [event("event,event_id", f"a,{given}")["event_id"] for given in ("e-1", "e-1", "e-2")]
    assert ids[0] == ids[1] != ids[2]
    own = "2B9EC989-0D48-5EDA-9715-49BEB6094EF6"
    assert event("event,event_id", f"a,{own}")["event_id"] == own.lower()


def test_other_columns_are_properties() -> None:
    row = event(
        "event,plan,properties.seats,properties", 'a,pro,3,"{""deep"":[1,{""n"":123456789012345678901234567890}]}"'
    )
    assert row["properties"] == {"plan": "pro", "seats": "3", "deep": [1, {"n": 123456789012345678901234567890}]}


@pytest.mark.parametrize(
    ("given", "ms"),
    [
        ("1700000000000", 1700000000000),
        ("1700000000000.5", 1700000000000.5),
        ("2024-01-01", 1704067200000),
        ("2024-01-01 01:00", 1704070800000),
        ("2024-01-01T01:00:00+01:00", 1704067200000),
        ("2024-01-01T00:00:00.250Z", 1704067200250),
    ],
)
def test_times(given: str, ms: float) -> None:
    assert event("event,ts", f"a,{given}")["ts"] == ms


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("event,ts,timestamp", "ts"),
        ("event_name,event_type", "event"),
        ("event,plan,plan", "plan"),
        ("event,plan,properties.plan", "plan"),
    ],
)
def test_a_file_with_two_columns_for_one_thing_is_not_read(header: str, name: str) -> None:
    [found] = read(f"{header}\n" + "a,1,2\n" * 3)
    assert isinstance(found, Broken)
    assert (found.number, found.reason) == (1, f"more than one column is for {name}: leave one")


def test_a_property_may_be_named_as_a_field_is() -> None:
    assert event("event,title,properties.title", "a,b,c") == {"event": "a", "title": "b", "properties": {"title": "c"}}


def test_a_property_that_is_told_twice_is_not_read() -> None:
    [found] = read('event,plan,properties\na,pro,"{""plan"":""free""}"\n')
    assert isinstance(found, Broken)
    assert (found.reason, found.field) == ("plan is there, and has a column as well", "properties")


def test_a_quote_within_a_value_is_one() -> None:
    found = read('event,title\na,5" nail\nb,"6"" nail"\nc,7" nail\n')
    assert [item.event["title"] for item in found if isinstance(item, Found)] == ['5" nail', '6" nail', '7" nail']


def test_a_value_of_too_many_lines_is_said_to_be_one() -> None:
    found = read('event,title\na,"' + "x\n" * 120 + '"\nb,y\n')
    assert isinstance(found[0], Broken)
    assert (found[0].number, found[0].reason) == (2, "a quote is open for more than 100 lines")
    assert isinstance(found[-1], Found)


def test_names_count_however_they_are_written() -> None:
    assert event("Event_Type,TS,User_ID,Plan", "a,1,ada,pro") == {
        **{"event": "a", "ts": 1, "user_id": "ada"},
        "properties": {"Plan": "pro"},
    }


def test_what_is_quoted_in_the_header_separates_nothing() -> None:
    assert event('event;"a,b,c,d";ts', "x;1;2") == {"event": "x", "ts": 2, "properties": {"a,b,c,d": "1"}}


@pytest.mark.parametrize(
    ("given", "number"), [("1e3", 1000.0), (".5", 0.5), ("-2.", -2.0), ("+7", 7), ("1.5E-2", 0.015)]
)
def test_numbers(given: str, number: float) -> None:
    assert event("event,revenue", f"a,{given}")["revenue"] == number


@pytest.mark.parametrize("given", ["nan", "inf", "1e", "e3", ".", "1e400", "0x1"])
def test_what_is_no_number(given: str) -> None:
    [found] = read(f"event,revenue\na,{given}\n")
    assert isinstance(found, Broken)
    assert found.field == "revenue"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_a_byte_order_mark(delimiter: str) -> None:
    found = read("\ufeff" + delimiter.join(["event", "url"]) + "\r\n" + delimiter.join(["a", "/b"]) + "\r\n")
    assert [item.event for item in found if isinstance(item, Found)] == [{"event": "a", "url": "/b"}]


def test_a_value_may_hold_quotes_and_line_ends() -> None:
    found = read('event,title\na,"one\ntwo ""three"""\nb,\n')
    assert [(item.number, getattr(item, "event", None)) for item in found] == [
        (2, {"event": "a", "title": 'one\ntwo "three"'}),
        (4, {"event": "b"}),
    ]


def test_a_broken_row_harms_no_other() -> None:
    found = read(
        "event,ts,url\n"
        "good,1,/a\n"
        "late,never,/a\n"
        "few,1\n"
        'stray "quote,1,"/a\n'
        "good,2,/a\n"
        '"open,3,/a\n'
        "good,4,/a\n"
        "\n"
        "many,1,/a,more\n"
        "good,5,/a\n"
    )
    assert [item.event["ts"] for item in found if isinstance(item, Found)] == [1, 2, 4, 5]
    assert [(item.number, item.field) for item in found if isinstance(item, Broken)] == [
        (3, "ts"), (4, None), (5, None), (7, None), (10, None)]  # fmt: skip


def test_a_header_without_an_event_is_told() -> None:
    (only,) = read("name,when\na,1\n")
    assert isinstance(only, Broken)
    assert "event" in only.reason


@given(st.binary())
def test_any_content_gives_events_or_reasons(content: bytes) -> None:
    for item in read(b"event,ts,properties\n" + content):
        assert isinstance(item, Found) or item.reason
        json.encode(item)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=20))
def test_what_a_spreadsheet_writes_is_read(titles: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["event", "title"], *[["a", title] for title in titles]])
    found = read(out.getvalue())
    assert [item.event.get("title") for item in found if isinstance(item, Found)] == titles


def test_columns_in_another_order_are_the_same_row() -> None:
    one, other = read("event,url,ts\na,/b,1\n")[0], read("ts,event,url\n1,a,/b\n")[0]
    assert isinstance(one, Found)
    assert isinstance(other, Found)
    assert one.content == other.content
