"""What is held for clients that were cut off: what they are sent on their return, against plain lists."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from api.live.client import Audience
from api.live.item import Item, Read
from api.live.message import Message
from api.live.parting import messages
from api.live.position import Mark, Where, position_of
from api.live.record import items, read
from api.live.ring import LINE_BYTES, RECORD_BYTES, SITE_BYTES, Ring
from api.live.rule import Rule
from pulse.topics import ALERTS, EVENTS

WHERES = [Where(EVENTS, 0), Where(EVENTS, 1), Where(ALERTS, 0)]
STARTS = dict.fromkeys(WHERES, 5)
SHOP = Audience("shop", frozenset({"events", "alerts"}))
LINE = b'{"event":"buy","ts":1,"site_id":"%s"}\n'
NOTICE = b'{"id":"n","kind":"alert.firing","site_id":"%s","at":1,"data":{}}'
TEXT = LINE[:-1] % b"shop"
ROOM = RECORD_BYTES + 2 * (LINE_BYTES + SITE_BYTES + len(LINE))


def record(where: Where, offset: int, sites: Sequence[str]) -> Read:
    """A record with a line for each of the sites; one notice, for the first of them, where it is of notices."""
    if where.topic == ALERTS:
        value = b"".join(NOTICE % site.encode() for site in sites[:1])
    else:
        value = b"".join(LINE % site.encode() for site in sites)
    return read(where, offset, value)


def all_of(log: Sequence[Read]) -> list[Item]:
    """What records hold of both sites, in order."""
    found = [item for each in log for site in ("shop", "blog") for item in items(each, site)]
    order = {(each.where, each.offset): number for number, each in enumerate(log)}
    return sorted(found, key=lambda item: (order[item.where, item.mark.offset], item.mark.line))


@st.composite
def logs(draw: st.DrawFn) -> list[Read]:
    """Records of several partitions in the order in which they are read."""
    offsets = dict(STARTS)
    found = []
    for where in draw(st.lists(st.sampled_from(WHERES), max_size=20)):
        found.append(record(where, offsets[where], draw(st.lists(st.sampled_from(["shop", "blog"]), max_size=4))))
        offsets[where] += 1
    return found


positions = st.fixed_dictionaries({where: st.builds(Mark, st.integers(5, 15), st.integers(0, 4)) for where in WHERES})


@given(logs(), positions)
def test_what_lies_after_a_position_is_found_in_the_order_of_reading(
    log: list[Read], position: dict[Where, Mark]
) -> None:
    ring = Ring(STARTS, 1 << 20)
    for each in log:
        ring.add(each)
    expected = [item for item in all_of(log) if item.site == "shop" and item.mark >= position[item.where]]
    assert list(ring.since("shop", position)) == expected
    assert ring.has(position)
    assert ring.has({**position, Where(WHERES[0].topic, 99): Mark(0)}), "a partition that another process knows already"


@given(logs(), st.integers(0, 10))
def test_the_oldest_go_where_there_is_no_room_and_it_is_known_up_to_where(log: list[Read], room: int) -> None:
    ring = Ring(STARTS, room * ROOM)
    for each in log:
        ring.add(each)
    found = all_of(log)
    kept = [item for item in found if item.mark >= ring.begin[item.where]]
    assert list(ring.since("shop", ring.begin)) == [item for item in kept if item.site == "shop"]
    assert kept == found[len(found) - len(kept) :]
    assert ring.bytes <= room * ROOM
    lost = [item for item in found if item not in kept]
    assert all(not ring.has({**ring.begin, item.where: item.mark}) for item in lost)


def told(message: Message) -> list[object]:
    """The events or the notice of a message."""
    found = json.decode(message.json)
    return list(found["events"]) if "events" in found else [found["alert"]]


@given(logs(), st.integers(0, 30))
def test_whoever_goes_on_after_any_message_is_sent_the_rest(log: list[Read], cut: int) -> None:
    ring = Ring(STARTS, 1 << 20)
    for each in log:
        ring.add(each)
    end = {where: Mark(STARTS[where] + sum(each.where == where for each in log)) for where in WHERES}
    held = list(ring.since("shop", ring.begin))
    sent = list(messages("log", SHOP, held, ring.begin, end))
    seen = sent[:cut]
    position = position_of(seen[-1].id)[1] if seen else ring.begin
    rest = list(messages("log", SHOP, ring.since("shop", position), position, end))
    assert [part for each in (*seen, *rest) for part in told(each)] == [part for each in sent for part in told(each)]
    assert sum(len(told(each)) for each in sent) == len(held)
    assert [each.id for each in sent[-1:]] in ([], [each.id for each in (rest or seen)[-1:]])


def test_a_message_is_cut_before_it_grows_too_large_and_each_part_has_its_own_id() -> None:
    where, long = WHERES[0], TEXT[:-1] + b',"url":"' + b"x" * 100_000 + b'"}'
    some = [Item("shop", where, Mark(5, n), Mark(5, n + 1), long, None) for n in range(6)]
    sent = list(messages("log", SHOP, some, STARTS_MARKS, {**STARTS_MARKS, where: Mark(6)}))
    assert [each.json.count(b"buy") for each in sent] == [2, 2, 2]
    assert [position_of(each.id)[1][where] for each in sent] == [Mark(5, 2), Mark(5, 4), Mark(6)]


def test_nothing_is_sent_of_what_does_not_fit() -> None:
    some = [Item("shop", WHERES[0], Mark(5), Mark(6), TEXT, None)]
    for audience in (
        Audience("shop", frozenset({"alerts"})),
        Audience("shop", frozenset({"events"}), Rule(events=("look",))),
    ):
        assert list(messages("log", audience, some, STARTS_MARKS, STARTS_MARKS)) == []


STARTS_MARKS = {where: Mark(5) for where in WHERES}
