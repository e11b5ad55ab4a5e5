"""Reading bodies: whole, bounded in size, memory and time."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from api.collector import body
from api.collector.answer import Problem
from api.collector.body import INFLATED_AT_ONCE, Gone, Room, Turns, read

LIMIT = 10


def sending(*pieces: bytes, ending: str = "end") -> Callable[[], Awaitable[dict[str, Any]]]:
    """A client that sends these pieces and then ends, goes, or falls silent."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": each, "more_body": True} for each in pieces]
    if ending == "end":
        messages[-1]["more_body"] = False
    if ending == "go":
        messages.append({"type": "http.disconnect"})

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    return receive


@pytest.mark.parametrize("pieces", [(b"",), (b"0123456789",), (b"01234", b"", b"56789")])
async def test_a_body_is_read_whole(pieces: tuple[bytes, ...]) -> None:
    assert await read(sending(*pieces), None, LIMIT, Room(100)) == b"".join(pieces)


@pytest.mark.parametrize(
    ("pieces", "declared"),
    [((b"01234567890",), None), ((b"01234", b"567890"), None), ((b"",), b"11"), ((b"",), b"9" * 5_000)],
)
async def test_a_body_beyond_the_limit_is_too_large(pieces: tuple[bytes, ...], declared: bytes | None) -> None:
    with pytest.raises(Problem) as told:
        await read(sending(*pieces), declared, LIMIT, Room(100))
    assert told.value.status == 413


@pytest.mark.parametrize("pieces", [(), (b"0",)])
async def test_a_client_that_falls_silent_is_not_waited_for(
    pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "READ_S", 0.01)
    room = Room(LIMIT)
    with pytest.raises(Problem) as told:
        await read(sending(*pieces, ending="silence"), None, LIMIT, room)
    assert told.value.status == 408
    room.take(LIMIT)


@pytest.mark.parametrize("ending", ["end", "go"])
async def test_a_body_that_comes_after_a_while_is_read_whole(ending: str) -> None:
    come, there = asyncio.Event(), sending(b"01234", b"56789", ending=ending)

    async def receive() -> dict[str, Any]:
        await come.wait()
        await asyncio.sleep(0)
        return await there()

    reading = asyncio.create_task(read(receive, None, LIMIT, Room(100)))
    await asyncio.sleep(0)
    come.set()
    if ending == "end":
        assert await reading == b"0123456789"
    else:
        with pytest.raises(Gone):
            await reading


@pytest.mark.parametrize("pieces", [(), (b"0", b"1")])
async def test_nobody_answers_a_client_that_went_away(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(Gone):
        await read(sending(*pieces, ending="go"), None, LIMIT, Room(100))


async def test_unfinished_bodies_share_their_room_and_give_it_back() -> None:
    room = Room(LIMIT)
    slow = asyncio.create_task(read(sending(b"012345", ending="silence"), None, LIMIT, room))
    await asyncio.sleep(0)
    with pytest.raises(Problem) as told:
        await read(sending(b"01234", b"5"), None, LIMIT, room)
    assert told.value.status == 503
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert await read(sending(b"01234", b"56789"), None, LIMIT, room) == b"0123456789"


async def test_few_large_bodies_are_inflated_at_once_and_the_others_keep_their_room() -> None:
    room, packed = Room(1_000), gzip.compress(b"0" * 50_000)
    turns, go, full = Turns(room), asyncio.Event(), asyncio.Event()
    most = inside = 0

    async def judged() -> int:
        nonlocal most, inside
        async with turns.inflated(packed, "gzip", 50_000) as whole:
            inside += 1
            most = max(most, inside)
            if inside == INFLATED_AT_ONCE:
                full.set()
            await go.wait()
            inside -= 1
            return len(whole)

    fitting = 1_000 // len(packed)
    tasks = [asyncio.create_task(judged()) for _ in range(fitting + 3)]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    await asyncio.wait_for(full.wait(), 30)
    go.set()
    assert await asyncio.gather(*waiting) == [50_000] * fitting
    assert {task.exception().status for task in done} == {503}  # type: ignore[union-attr]
    assert most == INFLATED_AT_ONCE
    room.take(1_000)


async def test_a_turn_that_does_not_come_is_refused_and_one_that_fails_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body, "TURN_S", 0.01)
    turns, packed = Turns(Room(1_000)), gzip.compress(b"0")
    for _ in range(5):
        with pytest.raises(Problem):
            async with turns.inflated(packed[:-4], "gzip", LIMIT):
                pass
    async with turns.inflated(packed, "gzip", LIMIT):
        with pytest.raises(Problem) as told:
            async with turns.inflated(packed, "gzip", LIMIT):
                pass
    assert told.value.status == 503
    async with turns.inflated(packed, "gzip", LIMIT) as whole:
        assert whole == b"0"


@pytest.mark.parametrize(
    ("version", "headers", "hangs_up"),
    [
        ("1.1", {b"connection": b"Close", b"content-length": b"9"}, True),
        ("1.0", {b"content-length": b"9"}, True),
        ("1.1", {b"connection": b"close", b"transfer-encoding": b"chunked"}, True),
        ("1.1", {b"content-length": b"9"}, False),
        ("1.1", {b"connection": b"close", b"content-length": b"9", b"expect": b"100-continue"}, False),
        ("1.1", {b"connection": b"close"}, False),
    ],
)
def test_who_hangs_up_while_sending(version: str, headers: dict[bytes, bytes], hangs_up: bool) -> None:
    assert body.hangs_up(version, headers) is hangs_up


async def test_what_is_left_of_a_body_is_discarded_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Problem) as told:
        await read(sending(b"0123456789", b"0", b"1"), None, LIMIT, Room(100))
    assert told.value.is_unread
    with pytest.raises(Problem) as told:
        await read(sending(b"0123456789", b"0"), None, LIMIT, Room(100))
    assert not told.value.is_unread

    await body.discard(sending(b"0", b"1"))
    await body.discard(sending(b"0", ending="go"))
    monkeypatch.setattr(body, "DISCARD_S", 0.01)
    await body.discard(sending(b"0", ending="silence"))
    monkeypatch.setattr(body, "DISCARDED_BYTES", 2)
    await body.discard(sending(b"01", ending="silence"))
