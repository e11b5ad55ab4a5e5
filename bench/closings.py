"""From the end of a minute to the webhook that is told of what only closed minutes tell: relative rules and anomalies.

`python -m bench closings [--rules 10] [--rounds 2] [--rate 20000] [--embedded]`. So many rules of each kind on events of their own, with
two weeks of minutes behind them; in each round their events come three times as often, while others come at a rate. A relative rule
is due at the end of the first such minute, an anomaly, which must hold for two, at that of the second. Ends with 1 if a firing is missing,
or if p95 is 70 s or more.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from msgspec import json

from bench.evidence import begin
from bench.figures import percentile
from bench.firings import loaded
from bench.stack import Layout, running
from clickhouse.client import Client, text_of
from pulse.alerting.rule import DAY
from pulse.minute import MINUTE_MS
from tests.eventually import eventually
from tests.product import Product
from tests.receiving import Receiver, receiving

PAST = Path(__file__).parent / "queries" / "closings_minutes.sql"
BOUND_S = 70.0
DAYS = 14
USUAL = 100
TIMES = 3
HOOK = "/hook"
CONDITIONS: dict[str, dict[str, Any]] = {
    "relative": {"kind": "relative", "against": "day", "operator": ">", "percent": 100},
    "anomaly": {"kind": "anomaly", "direction": "up"},
}
DUE = {"relative": 1, "anomaly": 2}
"""At the end of which of the minutes with more events a rule is due."""


def main(words: list[str]) -> int:
    """Measure; 1 if a bound is missed."""
    asked = asked_of(words)
    evidence = begin("closings", asked)
    with running(Layout(embedded=asked.embedded, partitions=3)) as stack, receiving({}) as receiver:
        closings = Closings(stack.product, receiver, asked.rules, asked.rounds)
        closings.prepare()
        with loaded(stack.product, asked.rate):
            for number in range(asked.rounds):
                closings.play(number)
    evidence.raw("seconds", closings.took)
    evidence.raw("p95", {kind: percentile(took, 0.95) for kind, took in closings.took.items() if took})
    missing = 2 * asked.rules * asked.rounds - sum(map(len, closings.took.values()))
    p95s = [_told(kind, took) for kind, took in closings.took.items() if took]
    for kind in CONDITIONS:
        evidence.figure(f"from a minute's end to the webhook, p95, {kind}", "s", "p95", kind)
    print(f"missing: {missing}", f"evidence: {evidence.folder.name}", sep="\n")
    return 0 if not missing and max(p95s) < BOUND_S else 1


def asked_of(words: list[str]) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=10, help="of each kind and round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1_000, help="other events a second; 0 for none")
    parser.add_argument("--embedded", action="store_true", help="the embedded log instead of Apache Kafka")
    parser.add_argument("--label", default="", help="added to the evidence's name")
    return parser.parse_args(words)


class Closings:
    """Rules of a product's site, each on an event of its own, and how long after they were due the webhook was told, by kind."""

    def __init__(self, product: Product, receiver: Receiver, rules: int, rounds: int) -> None:
        self.took: dict[str, list[float]] = {kind: [] for kind in CONDITIONS}
        self._product, self._receiver = product, receiver
        self._events = {
            (kind, number): [f"{kind}_{number}_{n}" for n in range(rules)]
            for kind in CONDITIONS
            for number in range(rounds)
        }

    def prepare(self) -> None:
        """Store two weeks of minutes, make the webhook and the rules, and wait until they are watched."""
        self._store([event for events in self._events.values() for event in events])
        hook = {"site_id": self._product.site, "url": self._receiver.url(HOOK), "kinds": ["alert.firing"]}
        self._ask("webhooks", hook)
        for (kind, _), events in self._events.items():
            for event in events:
                about = {"name": event, "site_id": self._product.site, "metric": "events", "window_minutes": 1}
                self._ask("alerts", about | {"where": {"events": [event]}, "condition": CONDITIONS[kind]})
        wanted = f"pulse_alerts_rules {sum(map(len, self._events.values()))}.0"
        eventually(lambda: wanted in httpx.get(f"{self._product.url('alerts')}/metrics", timeout=10).text)

    def play(self, number: int) -> None:
        """Let the events of a round come more often for two minutes, and note when the webhook is told of each."""
        first = _this_minute() + 1
        for later in range(max(DUE.values())):
            _wait_until((first + later) * MINUTE_MS)
            self._send([event for kind in CONDITIONS for event in self._events[kind, number]])
        wanted = {event: kind for kind in CONDITIONS for event in self._events[kind, number]}
        deadline = (first + max(DUE.values())) * 60 + 2 * BOUND_S
        while (told := self._told(wanted)).keys() != wanted.keys() and time.time() < deadline:
            time.sleep(0.1)
        for event, at in told.items():
            self.took[wanted[event]].append(at - (first + DUE[wanted[event]]) * 60)

    def _store(self, events: Sequence[str]) -> None:
        given = {
            "site": self._product.site,
            "first": _this_minute() - DAYS * DAY,
            "minutes": DAYS * DAY,
            "usual": USUAL,
            "events": list(events),
        }
        client = Client(f"{self._product.url('clickhouse')}/pulse", answer_seconds=600)
        client.command(text_of(PAST), given)
        client.close()

    def _send(self, events: Sequence[str]) -> None:
        """Each so many times as often as it is usual for a minute."""
        for event in events:
            answer = self._product.send({"event": event, "visitor_id": f"v{n}"} for n in range(USUAL * TIMES))
            assert answer.status_code == 202, answer.text

    def _told(self, wanted: dict[str, str]) -> dict[str, float]:
        """When the webhook was told of each event's rule, in seconds since the epoch."""
        shift, found = time.time() - time.monotonic(), dict[str, float]()
        for request in self._receiver.at(HOOK):
            rule = json.decode(request.body)["data"]["rule"]
            if rule in wanted:
                found.setdefault(rule, request.at + shift)
        return found

    def _ask(self, path: str, body: dict[str, Any]) -> None:
        headers = {"authorization": f"Bearer {self._product.keys['admin_key']}"}
        answer = httpx.post(f"{self._product.url('query')}/api/v1/{path}", json=body, headers=headers, timeout=60)
        assert answer.status_code == 201, answer.text


def _this_minute() -> int:
    return int(time.time()) // 60


def _wait_until(ms: int) -> None:
    time.sleep(max(0.0, ms / 1000 - time.time()))


def _told(kind: str, took: Sequence[float]) -> float:
    p50, p95, most = (percentile(took, share) for share in (0.5, 0.95, 1.0))
    print(f"{kind}: {len(took)} told of; from the minute's end p50 {p50:.1f} s, p95 {p95:.1f} s, longest {most:.1f} s")
    return p95


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
