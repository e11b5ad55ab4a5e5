"""A consumer that another one of its name has taken over from joins anew, goes on exactly, and gives up if that comes again."""

import socket
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Consumer

from pulse.fencing import MOST
from pulse.topics import EVENTS, METRICS
from tests.eventually import eventually
from tests.exact import Store
from tests.product import Product
from tests.services import Process

pytestmark = [pytest.mark.native, pytest.mark.slow]

GROUPS = {"sink": ("pulse-sink", EVENTS, "product-sink"), "alerts": ("pulse-alerts", METRICS, socket.gethostname())}
"""Of a part its group, a topic that it reads, and its name there."""


def fence(product: Product, part: str) -> None:
    """Join its group under its name, and go without a word."""
    group, topic, name = GROUPS[part]
    settings: dict[str, Any] = {
        "bootstrap.servers": product.url("kafka"),
        "group.id": group,
        "group.instance.id": name,
        "session.timeout.ms": 6_000,
    }
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    eventually(lambda: consumer.poll(0.2) or consumer.assignment(), within=60)
    consumer.close()


def said(product: Product, part: str) -> str:
    return (product.folder / "logs" / f"{part}.log").read_text()


def send(product: Product, store: Store) -> None:
    before = store.events()
    events = [{"event": "after", "event_id": str(uuid4()), "visitor_id": f"v{n}"} for n in range(200)]
    assert product.send(events).status_code == 202
    eventually(lambda: store.events() == before + 200, within=60)
    eventually(lambda: store.differing_minutes() == 0, within=60)


@pytest.mark.parametrize("part", GROUPS)
def test_it_joins_anew_and_goes_on_and_ends_if_it_is_fenced_again_and_again(product: Product, part: str) -> None:
    store, process = Store(f"{product.url('clickhouse')}/pulse"), product.parts[part]
    assert isinstance(process, Process)
    running = process.running
    assert running is not None
    for number in range(1, MOST + 1):
        fence(product, part)
        eventually(lambda number=number: said(product, part).count("joining Kafka anew") == number, within=60)  # type: ignore[misc]
        product.ready()
    assert running.is_alive()
    send(product, store)
    fence(product, part)
    eventually(lambda: not running.is_alive(), within=60)
    assert "fenced" in said(product, part)
    product.start(part)
    product.ready()
    send(product, store)
