"""Events sent in batches while things die: retried as a client would until each batch is answered 202."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from tests.product import Product

BATCH = 250


@dataclass
class Sent:
    """What a run of traffic brought: the ids answered 202, and how often each status was answered."""

    ids: set[str] = field(default_factory=set)
    statuses: dict[int, int] = field(default_factory=dict)
    lost: int = 0
    """Requests that got no answer at all, and were sent again."""


def events(seed: int, number: int, duplicates: float = 0.01, late: float = 0.05) -> Iterator[dict[str, Any]]:
    """`number` events of some hundred visitors over some minutes, a share of them repeated, a share hours late."""
    dice = random.Random(seed)
    now = int(time.time() * 1000)
    recent: list[dict[str, Any]] = []
    for _ in range(number):
        if recent and dice.random() < duplicates:
            yield dice.choice(recent)
            continue
        event = _event(
            dice, now - (dice.randrange(86_400_000 * 3) if dice.random() < late else dice.randrange(600_000))
        )
        recent = [*recent[-200:], event]
        yield event


def _event(dice: random.Random, ts: int) -> dict[str, Any]:
    return {
        "event": dice.choice(["page_view", "click", "purchase"]),
        "event_id": str(UUID(int=dice.getrandbits(128), version=4)),
        "ts": ts,
        "visitor_id": f"v{dice.randrange(500)}",
        "country": dice.choice(["DE", "US", "FR", ""]),
        "revenue": dice.randrange(10_000) / 100,
        "currency": "EUR",
    }


def send(product: Product, seed: int, number: int, seconds: float = 0, senders: int = 4) -> Sent:
    """Send `number` events over at least about `seconds`, each batch until it is answered 202."""
    all_events = list(events(seed, number))
    batches = [all_events[i : i + BATCH] for i in range(0, len(all_events), BATCH)]
    pause = seconds * senders / max(len(batches), 1)
    sent = Sent()
    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(lambda batch: _until_accepted(product, batch, sent, pause), batches))
    return sent


def _until_accepted(product: Product, batch: list[dict[str, Any]], sent: Sent, pause: float) -> None:
    began = time.monotonic()
    while True:
        try:
            answer = product.send(batch)
        except httpx.TransportError:
            sent.lost += 1
            time.sleep(0.2)
            continue
        sent.statuses[answer.status_code] = sent.statuses.get(answer.status_code, 0) + 1
        if answer.status_code == 202:
            assert answer.json()["accepted"] == len(batch), answer.text
            break
        assert answer.status_code in (429, 503), answer.text
        time.sleep(min(float(answer.headers["retry-after"]), 0.5))
    sent.ids.update(event["event_id"] for event in batch)
    time.sleep(max(0.0, pause - (time.monotonic() - began)))
