"""The tap, over an event loop that is busy with other things."""

import asyncio
from collections.abc import Sequence
from threading import Thread

from api.live.item import Read
from api.live.position import Where
from api.live.record import read
from api.live.tap import AHEAD, Tap, Told
from pulse.topics import EVENTS


async def test_no_more_is_read_than_a_few_batches_before_the_loop_takes_them() -> None:
    taken: list[Sequence[Read]] = []
    tap = Tap("127.0.0.1:1", 50, 0, Told(lambda _: None, taken.append, lambda _: None, lambda *_: None))
    tap._loop = asyncio.get_running_loop()
    given: list[int] = []

    def give() -> None:
        for offset in range(3 * AHEAD):
            tap._give([read(Where(EVENTS, 0), offset, b"")])
            given.append(offset)

    thread = Thread(target=give)
    thread.start()
    thread.join(0.3)  # the loop is not run meanwhile
    assert (len(given), thread.is_alive()) == (AHEAD, True)
    await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)
    assert [records[0].offset for records in taken] == list(range(3 * AHEAD))
