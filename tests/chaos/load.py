"""A steady load from several senders: some events late, some sent twice, be it by another lane, some batches given up when nobody answers."""

import random
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any
from uuid import UUID

import httpx
from msgspec import json

from tests.product import Product, kind_of

DAY_MS = 86_400_000
PATIENCE_S = 5.0
"""How long a sender waits for an answer. A collector that is frozen for longer may have taken the events all the same."""

MOST = 150
DUPLICATES = 0.02
LATE = 0.05
AGAIN = 0.02
"""How many accepted batches are sent once more as a whole."""

SLOW = 0.1
"""How many requests ask to yield."""
GIVEN_UP = 0.05
"""How many batches are not sent again after a request without a 202: they may be stored, once, or not at all."""

NAMED = 0.02
"""How many events tell who is behind a visitor."""

BUSY = (429, 503)

Sent = dict[str, Any]


@dataclass
class Tally:
    """What was sent: all ids, those answered 202, and how often each answer was given (0: none)."""

    sent: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Load:
    """Sends to the collectors of a product until stopped; `rate` is events a second of all senders together."""

    def __init__(self, product: Product, seed: int, rate: float, tally: Tally | None = None, senders: int = 4) -> None:
        self.tally = tally or Tally()
        self._urls = [product.url(name) for name in product.processes if kind_of(name) == "collector"]
        key = product.keys["secret_key"]
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._recent: deque[Sent] = deque(maxlen=3_000)
        self._lock = Lock()
        self._stopping = Flag()
        self._pause_s = (MOST + 1) / 2 * senders / rate
        dice = [random.Random(f"load {seed} {number}") for number in range(senders)]
        self._threads = [Thread(target=self._run, args=(each,), daemon=True) for each in dice]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> Tally:
        """Send no new batches, and return once every sender is done with its last."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        return self.tally

    def _run(self, dice: random.Random) -> None:
        with httpx.Client(headers=self._headers, timeout=PATIENCE_S) as client:
            due = time.monotonic()
            while not self._stopping.is_set():
                batch = self._batch(dice)
                self._deliver(client, batch, dice)
                if dice.random() < AGAIN:
                    self._deliver(client, batch, dice)
                due = max(due + self._pause_s, time.monotonic() - self._pause_s)
                time.sleep(max(0.0, due - time.monotonic()))

    def _batch(self, dice: random.Random) -> list[Sent]:
        now = int(time.time() * 1000)
        batch = []
        for _ in range(dice.randint(1, MOST)):
            if self._recent and dice.random() < DUPLICATES:
                batch.append(self._recent[dice.randrange(len(self._recent))])
            else:
                batch.append(event(dice, now))
                self._recent.append(batch[-1])
        with self._lock:
            self.tally.sent.update(each["event_id"] for each in batch)
        return batch

    def _deliver(self, client: httpx.Client, batch: list[Sent], dice: random.Random) -> None:
        content = json.encode(batch)
        while True:
            status, wait = self._post(client, dice, content, len(batch))
            if status == 202:
                with self._lock:
                    self.tally.accepted.update(each["event_id"] for each in batch)
            if status == 202 or (status in (0, *BUSY) and dice.random() < GIVEN_UP):
                return
            time.sleep(wait)

    def _post(self, client: httpx.Client, dice: random.Random, content: bytes, number: int) -> tuple[int, float]:
        wait, said = 0.2, ""
        try:
            lane = {"pulse-lane": "slow"} if dice.random() < SLOW else {}
            answer = client.post(f"{dice.choice(self._urls)}/v1/events", content=content, headers=lane)
            status = answer.status_code
            if status in BUSY:
                wait = min(float(answer.headers["retry-after"]), 0.5)
            elif status != 202 or answer.json()["accepted"] != number:
                said = f"{status} {answer.text[:300]}"
        except httpx.TransportError:
            status = 0
        with self._lock:
            self.tally.answers[status] += 1
            self.tally.wrong += [said] if said else []
        return status, wait


def event(dice: random.Random, now: int) -> Sent:
    """An event of one of some hundred visitors, of the last ten minutes or, some, of the last three days.

    Some visitors allow that their device is known, and now and then one says who is behind it.
    """
    late = dice.randrange(3 * DAY_MS) if dice.random() < LATE else dice.randrange(600_000)
    who, named = dice.randrange(500), dice.random() < NAMED
    return {
        "event": "identify" if named else dice.choice(["page_view", "click", "purchase"]),
        "event_id": str(UUID(int=dice.getrandbits(128), version=4)),
        "ts": now - late,
        "visitor_id": f"v{who}",
        **({"user_id": f"u{who % 300}"} if named else {}),
        **({"fingerprint_id": f"f{who % 70}", "consent": "granted"} if who % 5 == 0 else {}),
        "country": dice.choice(["DE", "US", "FR", ""]),
        "revenue": dice.randrange(10_000) / 100,
        "currency": dice.choice(["EUR", "USD"]),
    }
