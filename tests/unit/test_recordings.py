"""What is kept of events and sessions, under which names, and that it comes back whole and in order."""

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from pulse.command.status import watched
from pulse.recordings import layout
from pulse.recordings.keeping import due_at, oldest_kept
from pulse.recordings.recorded import Recorded, decode, encode, merged
from pulse.recordings.store import Named
from pulse.settings import Settings
from streams.recordings.gathered import Gathered
from streams.recordings.take import bare, recorded, take
from tests.recordings import Line, moment, visit

DAY_MS = 86_400_000
TEXT = st.text(min_size=1, max_size=200)
EVENTS = st.lists(
    st.builds(
        Recorded,
        event_id=st.uuids().map(str),
        event=st.sampled_from(["page_view", "click"]),
        ts=st.integers(1_700_000_000_000, 1_700_000_100_000),
        session_id=st.just("s"),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda each: each.event_id,
)


def _value(lines: list[Line]) -> bytes:
    return b"".join(json.encode(line) + b"\n" for line in lines)


@given(events=EVENTS, chance=st.randoms(use_true_random=False))
def test_pieces_come_back_in_order_and_once_however_they_were_cut(events: list[Recorded], chance: Any) -> None:
    cuts = [[chance.choice(events) for _ in range(chance.randint(1, 5))] for _ in range(20)]
    whole = [[each] for each in events]
    chance.shuffle(whole)
    pieces = [decode(encode(piece)) for piece in (*cuts, *whole, *cuts)]
    assert merged(pieces) == sorted(events, key=lambda each: (each.ts, each.event_id))


@given(events=EVENTS)
def test_a_name_tells_the_times_and_follows_from_the_content(events: list[Recorded]) -> None:
    content = encode(events)
    name = layout.piece_name("sessions/2023/11/14/shop/s", events, content)
    piece = layout.piece_of(Named(name, len(content)))
    assert piece is not None
    assert (piece.first, piece.last) == (min(e.ts for e in events), max(e.ts for e in events))
    assert layout.piece_name("sessions/2023/11/14/shop/s", events, content) == name
    assert layout.piece_name("sessions/2023/11/14/shop/s", events, encode(events[:-1])) != name
    assert layout.session_in(name) == "s"


@given(first=TEXT, second=TEXT)
def test_any_session_has_a_folder_of_its_own(first: str, second: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", layout.session_name(first))
    assert layout.session_name(first) not in (".", "..")
    assert (layout.session_name(first) == layout.session_name(second)) == (first == second)


def test_objects_lie_under_day_site_and_session() -> None:
    folder = layout.folder_of(date(2026, 3, 5), "shop", "s1")
    assert folder == "sessions/2026/03/05/shop/s1"
    assert layout.piece_of(Named(f"{folder}/meta.json", 3)) is None


def test_of_an_event_is_kept_what_is_shown_and_nothing_else() -> None:
    lines = visit(1, moment("2026-03-05 10:00:00"), events=3)
    kept = [recorded(each) for each in take(_value(lines)).seen]
    assert [each.event for each in kept] == ["page_view", "click", "scroll"]
    assert (kept[1].element, kept[1].x, kept[1].y, kept[2].scroll_percent) == ("a.buy", 11, 20, 50)
    assert {each.url for each in kept} == {"https://shop.example/page/0"}
    assert not any(word in encode(kept) for word in (b"203.0.113", b"secret", b"4111", b"there"))


def test_who_said_no_and_who_has_no_session_is_not_recorded() -> None:
    begin = moment("2026-03-05 10:00:00")
    yes, no = visit(1, begin, events=2), visit(2, begin, events=3, consent="denied")
    silent = [{k: v for k, v in line.items() if k != "consent"} for line in visit(3, begin, events=4)]
    nameless = [{k: v for k, v in line.items() if k != "session_id"} for line in visit(4, begin, events=5)]
    taken = take(_value([*yes, *no, *silent, *nameless]))
    assert {each.session_id for each in taken.seen} == {"s1", "s3"}
    assert (len(taken.seen), taken.declined, taken.sessionless, taken.unreadable) == (6, 3, 5, 0)
    assert take(_value(nameless)) == ([], 5, 0, 0)


@pytest.mark.parametrize(
    "properties",
    [
        *("[]", "1", "nothing", '{"x": "left", "y": [1], "element": 5}', '{"x": true}', '{"x": 1e999}', "[" * 5_000),
        '{"x": ' + "9" * 400 + "}",
    ],
)
def test_properties_of_any_kind_do_no_harm(properties: str) -> None:
    line = visit(1, moment("2026-03-05 10:00:00"), events=1)[0] | {"properties": properties}
    [kept] = [recorded(each) for each in take(_value([line])).seen]
    assert (kept.x, kept.y, kept.element) == (None, None, "")


def test_a_line_that_cannot_be_read_leaves_its_neighbours() -> None:
    lines = visit(1, moment("2026-03-05 10:00:00"), events=2)
    taken = take(_value(lines[:1]) + b'{"session_id": 5}\nnull\n\xff\n' + _value(lines[1:]))
    assert [each.event_id for each in taken.seen] == [line["event_id"] for line in lines]
    assert taken.unreadable == 3


@pytest.mark.parametrize(
    "odd", [{"site_id": "../x"}, {"site_id": ""}, {"event_id": "a/b"}, {"event_id": ""}, {"ts": -1}, {"ts": 10**17}]
)
def test_of_what_no_name_can_be_made_is_passed_over(odd: Line) -> None:
    lines = visit(1, moment("2026-03-05 10:00:00"), events=2)
    taken = take(_value([lines[0] | odd, lines[1]]))
    assert ([each.event_id for each in taken.seen], taken.unreadable) == ([lines[1]["event_id"]], 1)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a.example/b?c=d#e", "https://a.example/b"),
        ("https://ada:secret@a.example/b", "https://a.example/b"),
        ("//ada:secret@a.example/b", "//a.example/b"),
        ("//ada@a.example", "//a.example"),
        ("/path//ada@there/b", "/path//ada@there/b"),
        ("https://a.example", "https://a.example"),
        ("/only/a/path?x=1", "/only/a/path"),
        ("https://a.example/#/deep?x", "https://a.example/"),
        ("", ""),
    ],
)
def test_an_address_is_kept_without_what_may_be_personal(url: str, kept: str) -> None:
    assert bare(url) == kept


def test_recordings_are_watched_only_where_there_are_any() -> None:
    groups = [
        {group for group, _ in watched(Settings.model_validate({"recordings_url": url}))} for url in ("", "folder")
    ]
    assert groups[1] - groups[0] == {"pulse-recordings"}


def test_a_session_over_midnight_lies_under_both_days_and_old_events_are_left_out() -> None:
    gathered = Gathered()
    lines = visit(1, moment("2026-03-05 23:59:55"), events=10) + visit(2, moment("2025-03-05 10:00:00"), events=4)
    old = gathered.add(take(_value(lines)).seen, date(2025, 12, 5))
    assert old == 4
    assert {(of.day, len(events)) for of, events in gathered.sessions.items()} == {
        (date(2026, 3, 5), 5),
        (date(2026, 3, 6), 5),
    }


def test_the_night_begins_at_three_and_ninety_days_are_whole() -> None:
    three = moment("2026-03-05 03:00:00")
    assert due_at(three) == due_at(three + DAY_MS - 1) == three
    assert due_at(three - 1) == three - DAY_MS
    assert oldest_kept(moment("2026-03-31 03:00:00"), 90) == date(2025, 12, 31)
