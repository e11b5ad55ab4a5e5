"""Rules that are broken one after the other, and the webhook that is told of each: how long it takes, and whether any is missing."""

import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
from msgspec import json

from pulse.topics import ALERTS
from streams.broker import Broker
from tests.eventually import eventually
from tests.product import Product
from tests.receiving import Receiver

HOOK = "/hook"
KILLED = ("alerts", "delivery")
AWAY_S = 0.2, 1.5
"""For so long a process that is killed is away, at least and at most."""


@dataclass
class Told:
    """What came of it: seconds from the first breaking event to the webhook by rule, and what is not as it must be."""

    took: dict[str, float] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    """Rules of which the log holds more than one notice."""
    again: int = 0
    """Requests that brought what had been brought, recognisable by their id: of those whose answer was lost by a death."""
    kills: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether each firing was told of, once."""
        return not self.missing and not self.doubled


class Firings:
    """So many rules of a product's site, each on an event of its own that breaks it when it comes for the first time."""

    def __init__(self, product: Product, receiver: Receiver, number: int, name: str) -> None:
        self._product, self._receiver = product, receiver
        self._events = [f"{name}_{n}" for n in range(number)]
        self._path = f"{HOOK}/{name}"
        self._sent: dict[str, float] = {}

    def prepare(self) -> None:
        """Make the webhook and the rules, and wait until they are watched."""
        known = self._watched()
        self._ask(
            "webhooks",
            {"site_id": self._product.site, "url": self._receiver.url(self._path), "kinds": ["alert.firing"]},
        )
        for event in self._events:
            condition = {"kind": "threshold", "operator": ">", "value": 0}
            rule = {"name": event, "site_id": self._product.site, "metric": "events", "where": {"events": [event]}}
            self._ask("alerts", rule | {"condition": condition})
        eventually(lambda: self._watched() >= known + len(self._events))

    def run(self, apart_s: float, kills: int = 0, seed: int = 1, within_s: float = 60) -> Told:
        """Break the rules one after the other, kill processes meanwhile, and wait until all is told."""
        with ThreadPoolExecutor(1) as pool:
            span_s = apart_s * len(self._events)
            killing = pool.submit(self._kill, kills, span_s, random.Random(f"kills {seed}"))
            began = time.monotonic()
            for number, event in enumerate(self._events):
                time.sleep(max(0.0, began + number * apart_s - time.monotonic()))
                self._break(event)
            killing.result()
        deadline = time.monotonic() + within_s
        while len(self._first()) < len(self._events) and time.monotonic() < deadline:
            time.sleep(0.1)
        return self._told(kills)

    def _break(self, event: str) -> None:
        self._sent[event] = time.monotonic()
        answer = self._product.send([{"event": event, "visitor_id": "v"}])
        assert answer.status_code == 202, answer.text

    def _kill(self, kills: int, span_s: float, dice: random.Random) -> None:
        """Kill one process after the other, spread over the time."""
        began = time.monotonic()
        for number in range(kills):
            time.sleep(max(0.0, began + (number + 0.5) * span_s / kills - time.monotonic()))
            name = KILLED[number % len(KILLED)]
            self._product.kill(name)
            time.sleep(dice.uniform(*AWAY_S))
            self._product.start(name)

    def _first(self) -> dict[str, float]:
        """When the webhook was told of each rule first."""
        found: dict[str, float] = {}
        for request in self._receiver.at(self._path):
            found.setdefault(json.decode(request.body)["data"]["rule"], request.at)
        return found

    def _told(self, kills: int) -> Told:
        first, requests = self._first(), self._receiver.at(self._path)
        took = {event: first[event] - self._sent[event] for event in self._events if event in first}
        return Told(
            took=took,
            missing=[event for event in self._events if event not in first],
            doubled=[rule for rule, number in self._notices().items() if number > 1],
            again=len(requests) - len({each.headers["webhook-id"] for each in requests}),
            kills=kills,
        )

    def _notices(self) -> Counter[str]:
        """How many firings of each rule the log holds; one that was written again under the same id is one."""
        broker, ours = Broker(self._product.environment["PULSE_KAFKA_URL"]), frozenset(self._events)
        records = (each for n in range(broker.partitions(ALERTS)) for each in broker.read((ALERTS, n), 0))
        notices: Sequence[dict[str, Any]] = [json.decode(each.value() or b"") for each in records]
        ids = {(each["data"]["rule"], each["id"]) for each in notices if each["kind"] == "alert.firing"}
        return Counter(rule for rule, _ in ids if rule in ours)

    def _watched(self) -> float:
        page = httpx.get(f"{self._product.url('alerts')}/metrics", timeout=10).text
        return sum(
            float(each.rpartition(" ")[2]) for each in page.splitlines() if each.startswith("pulse_alerts_rules ")
        )

    def _ask(self, path: str, body: dict[str, Any]) -> None:
        headers = {"authorization": f"Bearer {self._product.keys['admin_key']}"}
        answer = httpx.post(f"{self._product.url('query')}/api/v1/{path}", json=body, headers=headers, timeout=60)
        assert answer.status_code == 201, answer.text
