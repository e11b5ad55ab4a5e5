"""Delivering records: all of them, in order, with their place, or a clear refusal."""

import asyncio
from pathlib import Path

import pytest

from pulse.place import Place, place_of
from pulse.settings import Settings
from pulse.topics import EVENTS
from streams.producer import Output, Span, UndeliverableError
from streams.record import Made
from streams.topics import create
from tests import services
from tests.services import Service
from tests.streaming import Log


def made(offset: int, partition: int = 1, value: bytes = b"{}\n") -> Made:
    return Made(EVENTS, partition, value, Place("log", partition, offset), 1_800_000_000_000 + offset)


async def test_records_lie_in_order_with_place_and_time(broker: Service) -> None:
    log, output = Log(broker.url), Output(Settings(kafka_url=broker.url))
    assert await output.deliver([]) == {}
    spans = await output.deliver([made(n, n % 2) for n in range(100)])
    assert spans == {(EVENTS, 0): Span(0, 49, 50), (EVENTS, 1): Span(0, 49, 50)}
    found = list(log.broker.read((EVENTS, 1), 0))
    assert [place_of(m.headers()).offset for m in found] == list(range(1, 100, 2))  # type: ignore[arg-type]
    assert found[0].timestamp()[1] == 1_800_000_000_001


async def test_two_who_deliver_at_once_each_wait_for_their_own(broker: Service) -> None:
    Log(broker.url)
    output = Output(Settings(kafka_url=broker.url))
    one, other = await asyncio.gather(output.deliver([made(1)]), output.deliver([made(2), made(3)]))
    assert [span.records for spans in (one, other) for span in spans.values()] == [1, 2]


async def test_a_record_that_the_broker_can_never_take_is_refused(broker: Service) -> None:
    Log(broker.url)
    output = Output(Settings(kafka_url=broker.url))
    with pytest.raises(UndeliverableError, match="too large"):
        await output.deliver([made(1, value=b"x" * 2_000_000)])


async def test_a_broker_that_is_away_is_waited_for(tmp_path: Path) -> None:
    later = services.embedded_kafka(tmp_path / "broker")
    settings = Settings(kafka_url=later.url, partitions=4)
    output = Output(settings)
    delivering = asyncio.create_task(output.deliver([made(1), made(2)]))
    later.start()
    await asyncio.to_thread(create, settings)
    assert await asyncio.wait_for(delivering, 60) == {(EVENTS, 1): Span(0, 1, 2)}
    later.kill()
