"""The hub, over clients that note what they are sent."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from api.live import backlog, resume
from api.live.client import Audience, Client
from api.live.hub import Hub
from api.live.message import Message
from api.live.parting import MOST_BYTES
from api.live.position import Where
from api.live.record import read
from api.live.ring import Ring
from api.live.turns import SHARE, TURNS
from pulse.topics import ALERTS, EVENTS

WHERES = [Where(EVENTS, 0), Where(EVENTS, 1), Where(ALERTS, 0)]
STARTS = dict.fromkeys(WHERES, 0)
NOW = 1_763_640_030_000
EVENTS_OF_SHOP = Audience("shop", frozenset({"events"}))


class Noting(Client):
    """Notes what it is sent; leaves the hub at its first message of events if it is `slow`."""

    def __init__(self, hub: Hub, slow: bool = False) -> None:
        super().__init__()
        self.hub, self.slow = hub, slow
        self.ids: list[str] = []
        self.last_id = ""
        self.kinds: list[str] = []

    def put(self, message: Message) -> None:
        self.kinds.append(message.kind)
        self.last_id = message.id or self.last_id
        if message.kind == "events":
            self.ids += [event["event_id"] for event in json.decode(message.json)["events"]]
        if self.slow and message.kind != "hello":
            self.hub.leave(self)

    def beat(self, message: Message) -> None:
        self.put(message)

    async def room(self) -> bool:
        return True

    def end(self, code: int, reason: str) -> None:
        self.hub.leave(self)


def made() -> Hub:
    return Hub("log", Ring(STARTS, 1 << 20), 1_000)


def lines(begin: int, site: str = "shop", count: int = 2) -> bytes:
    return b"\n".join(
        json.encode({"event": "e", "ts": NOW, "site_id": site, "event_id": str(begin + n)}) for n in range(count)
    )


def tick(hub: Hub, now: int) -> None:
    for number in range(TURNS):
        hub.tick(number, now)


def joined(hub: Hub, audience: Audience = EVENTS_OF_SHOP, last_id: str = "", slow: bool = False) -> Noting:
    client = Noting(hub, slow)
    asyncio.run(resume.begin(hub, client, audience, last_id))
    return client


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["read", "flush", "cut"]), max_size=40), st.sampled_from(["shop", "blog"]))
def test_a_client_that_is_cut_at_any_moment_is_sent_everything_once_in_order(steps: list[str], other: str) -> None:
    hub, number = made(), 0
    client = joined(hub)
    seen: list[str] = []
    expected: list[str] = []
    for step in steps:
        if step == "read":
            where = WHERES[number % 2]
            offset = hub.position[where].offset
            hub.take([read(where, offset, lines(number)), read(where, offset + 1, lines(number, other, 1))], NOW)
            expected += [str(number), str(number + 1)] + ([str(number)] if other == "shop" else [])
            number += 2
        elif step == "flush":
            hub.flush()
        else:
            hub.leave(client)
            seen += client.ids
            client = joined(hub, last_id=client.last_id)
            client.last_id = client.last_id or hub.current_id()
            assert "gap" not in client.kinds
    hub.flush()
    assert seen + client.ids == expected


def test_whoever_leaves_while_messages_are_put_harms_nobody() -> None:
    hub = made()
    slow = [joined(hub, Audience("shop", frozenset({"events", kind})), slow=True) for kind in ("counters", "alerts")]
    slow += [joined(hub, Audience(site, frozenset({"counters", "aggregate"})), slow=True) for site in ("a", "b")]
    well = joined(hub, Audience("shop", frozenset({"events", "counters"})))
    hub.take([read(WHERES[0], 0, lines(0))], NOW)
    hub.flush()
    tick(hub, NOW)
    assert [client.audience for client in slow] == [None] * 4
    assert (well.ids, well.kinds) == (["0", "1"], ["hello", "events", "counters"])


COUNTED = Audience("shop", frozenset({"counters"}))


def test_many_clients_are_sent_counters_in_turns_and_few_in_one() -> None:
    hub = made()
    few = [joined(hub, Audience("blog", frozenset({"counters"}))) for _ in range(SHARE)]
    many = [joined(hub, COUNTED) for _ in range(4 * SHARE)]
    sent = []
    for number in range(TURNS):
        hub.tick(number, NOW)
        sent.append(tuple(sum(len(each.kinds) - 1 for each in some) for some in (few, many)))
    steps = [tuple(after - before for after, before in zip(b, a, strict=True)) for a, b in pairwise([(0, 0), *sent])]
    assert sorted(steps) == [(0, 0)] * (TURNS - 5) + [(0, SHARE)] * 4 + [(SHARE, 0)]
    assert {tuple(each.kinds) for each in (*few, *many)} == {("hello", "counters")}
    for client in many[:SHARE]:
        hub.leave(client)
    again = [joined(hub, COUNTED) for _ in range(SHARE)]
    tick(hub, NOW + 1_000)
    assert {tuple(each.kinds) for each in again} == {("hello", "counters")}


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, TURNS - 1), st.integers(0, 5)), max_size=60))
def test_whatever_the_turn_each_event_is_counted_once(steps: list[tuple[int, int]]) -> None:
    hub = made()
    clients = [Told(hub) for _ in range(3)]
    for number, client in enumerate(clients):
        hub.join(
            client,
            Audience(("shop", "blog", "shop")[number], frozenset({("counters", "alerts")[number % 2], "counters"})),
        )
    for turn, many in steps:
        hub.take(
            [read(WHERES[0], hub.position[WHERES[0]].offset, lines(0, "shop", many) + b"\n" + lines(0, "blog", 1))], NOW
        )
        hub.tick(turn, NOW)
    tick(hub, NOW)
    events = sum(many for _, many in steps)
    assert [client.events for client in clients] == [events, len(steps), events]


class Told(Noting):
    """Adds up the events that it is told of."""

    events = ticks = 0

    def put(self, message: Message) -> None:
        self.ticks += 1
        self.events += json.decode(message.json)["events"]


def test_each_ten_seconds_there_is_an_aggregate_also_where_a_tick_comes_late() -> None:
    hub = made()
    client = joined(hub, Audience("shop", frozenset({"aggregate"})))
    for later in (0, 1_000, 9_000, 12_500, 13_000, 21_000):
        tick(hub, NOW + later)
    assert client.kinds == ["hello", "aggregate", "aggregate", "aggregate"]


def test_a_clock_that_steps_neither_stops_nor_doubles_what_is_told() -> None:
    hub = made()
    client = Told(hub)
    hub.join(client, COUNTED)
    for number, step in enumerate((0, 3_600_000, 3_601_000, -3_600_000, -3_599_000)):
        hub.take([read(WHERES[0], number, lines(number))], NOW + step)
        tick(hub, NOW + step)
    assert (client.ticks, client.events) == (5, 10)


def test_an_id_that_the_log_ends_before_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = made()
    ahead.take([read(WHERES[0], 0, lines(0))], NOW)
    ahead.flush()
    hub = made()
    monkeypatch.setattr(resume, "AHEAD_S", 0.05)
    client = joined(hub, last_id=ahead.current_id())
    assert client.kinds == ["hello", "gap"]
    hub.take([read(WHERES[0], 0, lines(5))], NOW)
    hub.flush()
    assert client.ids == ["5", "6"]


class Leaving(Noting):
    """Hangs up while it is waited for what its id is ahead of."""

    async def room(self) -> bool:
        self.hub.leave(self)
        return False


def test_whoever_leaves_while_its_id_is_waited_for_does_not_join() -> None:
    hub = made()
    client = Leaving(hub)
    asyncio.run(resume.begin(hub, client, EVENTS_OF_SHOP, hub.current_id()))
    hub.take([read(WHERES[0], 0, lines(0))], NOW)
    hub.flush()
    assert (client.audience, client.kinds) == (None, [])


def test_whoever_joined_the_hub_before_leaves_without_harm() -> None:
    before, after = made(), made()
    client = joined(before)
    joined(after, Audience("shop", frozenset({"alerts"})))
    after.leave(client)
    assert client.audience is None
    well = joined(after)
    after.leave(well)
    assert well.audience is None


class Waiting(Noting):
    """Takes what it is sent while it catches up only once it is let."""

    def __init__(self, hub: Hub, let: asyncio.Event) -> None:
        super().__init__(hub)
        self.let, self.most, self.waits = let, 0, 0
        self.begun = asyncio.Event()

    def put(self, message: Message) -> None:
        super().put(message)
        self.waits += len(message.json)
        self.most = max(self.most, self.waits)
        if self.ids:
            self.begun.set()

    async def room(self) -> bool:
        await self.let.wait()
        self.waits = 0
        return True


LONG = 20_000


def long(number: int, count: int = 20) -> bytes:
    """Lines of large events, numbered from a number on."""
    return b"\n".join(
        json.encode({"event": "e", "ts": NOW, "site_id": "shop", "event_id": str(number + n), "url": "x" * LONG})
        for n in range(count)
    )


def behind(records: int) -> tuple[Hub, str]:
    """A hub that has sent large events, and the id from before them."""
    hub = Hub("log", Ring(STARTS, 1 << 26), 1_000)
    before = hub.current_id()
    for offset in range(records):
        hub.take([read(WHERES[0], offset, long(20 * offset))], NOW)
    hub.flush()
    return hub, before


@pytest.mark.parametrize("room", [1 << 20, 1 << 26])
async def test_however_many_catch_up_at_once_what_waits_for_them_is_bounded(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "ROOM_BYTES", room)
    hub, before = behind(10)
    let = asyncio.Event()
    let.set()
    clients = [Waiting(hub, let) for _ in range(100)]
    async with asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(resume.begin(hub, client, EVENTS_OF_SHOP, before))
        await clients[0].begun.wait()
        let.clear()
        for _ in range(10):
            await asyncio.sleep(0)
        assert sum(client.waits for client in clients) < min(room, 100 * MOST_BYTES) + 100 * 2 * LONG
        let.set()
    assert {tuple(client.ids) for client in clients} == {tuple(map(str, range(200)))}
    assert max(client.most for client in clients) < MOST_BYTES + 2 * LONG
    assert hub.backlog.held == 0


async def test_what_leaves_the_buffer_while_a_client_catches_up_is_told() -> None:
    hub, before = behind(10)
    let = asyncio.Event()
    let.set()
    client = Waiting(hub, let)
    task = asyncio.create_task(resume.begin(hub, client, EVENTS_OF_SHOP, before))
    await client.begun.wait()
    let.clear()
    for offset in range(10, 200):
        hub.take([read(WHERES[0], offset, long(20 * offset))], NOW)
        hub.flush()
    let.set()
    await task
    assert client.kinds.count("gap") == 1
    numbers = [int(each) for each in client.ids]
    assert [after - before for before, after in pairwise(numbers) if after != before + 1] == [pytest.approx(800, 0.9)]
    assert (numbers[0], numbers[-1]) == (0, 20 * 200 - 1)


def test_a_partition_that_is_added_is_sent_to_who_is_there_and_to_who_comes_back() -> None:
    hub = made()
    there, gone = joined(hub), joined(hub)
    hub.leave(gone)
    before = hub.current_id()
    added = Where(EVENTS, 2)
    hub.extend({added: 0})
    hub.take([read(added, 0, lines(0)), read(WHERES[0], 0, lines(2))], NOW)
    hub.flush()
    again = joined(hub, last_id=before)
    assert again.kinds == ["hello", "events"]
    assert there.ids == again.ids == ["0", "1", "2", "3"]
    assert joined(hub, last_id=there.last_id).kinds == joined(hub, last_id=again.last_id).kinds == ["hello"]


def test_what_the_log_lost_before_it_was_read_is_told_to_who_is_there_and_to_who_comes_back() -> None:
    hub = made()
    there, gone = joined(hub), joined(hub)
    hub.leave(gone)
    before = hub.current_id()
    hub.take([read(WHERES[0], 0, lines(0))], NOW)
    hub.jump(WHERES[0], 7)
    hub.take([read(WHERES[0], 7, lines(2))], NOW)
    hub.flush()
    assert (there.kinds, there.ids) == (["hello", "events", "gap", "events"], ["0", "1", "2", "3"])
    again = joined(hub, last_id=before)
    assert (again.kinds, again.ids) == (["hello", "gap", "events"], ["2", "3"])
    assert joined(hub, last_id=there.last_id).kinds == ["hello"]


class Ending(Noting):
    """Ends while it catches up, at a moment at which nobody waits for it."""

    has_ended = False

    def put(self, message: Message) -> None:
        super().put(message)
        if message.kind == "events":
            asyncio.get_running_loop().call_soon(self.end, 0, "")

    def end(self, code: int, reason: str) -> None:
        self.has_ended = True
        self.hub.leave(self)

    async def room(self) -> bool:
        return not self.has_ended


async def test_whoever_ends_while_it_catches_up_does_not_join() -> None:
    hub = made()
    before = hub.current_id()
    hub.take([read(WHERES[0], 0, lines(0))], NOW)
    client = Ending(hub)
    await resume.begin(hub, client, EVENTS_OF_SHOP, before)
    assert client.has_ended
    assert client.audience is None
