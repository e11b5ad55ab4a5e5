"""The Faust app over a real broker: where it goes on after a rebalance."""

import asyncio
from pathlib import Path
from typing import Any

from pulse.settings import Settings
from pulse.topics import RAW
from streams.app import create_app
from tests.services import Service
from tests.streaming import PARTITIONS, Log, raw_event


async def test_where_nothing_is_committed_a_rebalance_goes_back_to_the_beginning(
    broker: Service, tmp_path: Path
) -> None:
    log = Log(broker.url)
    log.send([raw_event(visitor_id="one") for _ in range(5)], size=1)
    app = create_app(Settings(kafka_url=broker.url, partitions=PARTITIONS, data=tmp_path))
    taken: asyncio.Queue[int] = asyncio.Queue()

    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            taken.put_nowait(event.message.offset)

    async def five() -> list[int]:
        return [await asyncio.wait_for(taken.get(), 60) for _ in range(5)]

    app.agent(app.topic(RAW, key_type=bytes, value_type=bytes), name="taking")(agent)
    app.finalize()
    await app.start()
    try:
        assert await five() == [*range(5)]
        await app.consumer.perform_seek()  # as Faust does after each rebalance
        assert await five() == [*range(5)]
    finally:
        await app.stop()
