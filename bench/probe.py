"""`python -m bench.probe PROBE`: single events sent beside a load, each followed hop by hop, until SIGTERM; then a line of JSON.

sent → answered 202 → refined (found in `pulse.events`) → seen (found by SQL) → counted (by /api/v1/stats). SQL and
statistics are asked every `SEEN_EACH_S` and `COUNTED_EACH_S`, so that these hops are told late by up to that long.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx
from confluent_kafka import OFFSET_END, Consumer, TopicPartition
from msgspec import Struct, json

from pulse.topics import EVENTS, partition_of

SEEN_EACH_S = 0.1
COUNTED_EACH_S = 0.2
GRACE_S = 60.0

SEEN = (Path(__file__).parent / "queries" / "probed.sql").read_text()


class Probe(Struct, frozen=True, kw_only=True):
    """Where to send, and whom to ask."""

    collector: str
    query: str
    clickhouse: str
    kafka: str
    key: str
    site: str
    partitions: int
    every: float = 0.5
    """Seconds from one event to the next."""
    refined: bool = True
    """Whether a partition of `pulse.events` is read along, which takes some CPU of this process and of the broker."""


class Followed(Struct, kw_only=True):
    """A probe's event: when it was sent (seconds since the epoch), and after how many seconds it had come how far."""

    id: str
    sent: float
    accepted: float | None = None
    refined: float | None = None
    seen: float | None = None
    counted: float | None = None


class Follower:
    """Sends events and follows them, each hop in a thread of its own."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._name = f"probe_{uuid4().hex[:12]}"
        self._visitor = next(v for v in map(str, range(10_000)) if partition_of(probe.site, v, probe.partitions) == 0)
        self._stopped = threading.Event()
        self._ended = threading.Event()
        self.followed: list[Followed] = []

    def run(self) -> list[Followed]:
        """Send until stopped, and wait until all is counted, or its time is over."""
        work: list[Callable[[], None]] = [self._look_by_sql, self._count]
        if self._probe.refined:
            work.append(self._read_along)
        threads = [threading.Thread(target=each, daemon=True) for each in work]
        for thread in threads:
            thread.start()
        self._send()
        deadline = time.time() + GRACE_S
        while time.time() < deadline and any(each.counted is None or each.seen is None for each in self._accepted()):
            time.sleep(COUNTED_EACH_S)
        self._ended.set()
        for thread in threads:
            thread.join(10)
        return self.followed

    def stop(self) -> None:
        """Send no more."""
        self._stopped.set()

    def _accepted(self) -> list[Followed]:
        return [each for each in self.followed if each.accepted is not None]

    def _send(self) -> None:
        with httpx.Client(headers={"authorization": f"Bearer {self._probe.key}"}, timeout=30) as client:
            due = time.time()
            while not self._stopped.wait(max(due - time.time(), 0)):
                due = max(due + self._probe.every, time.time())
                event_id = str(uuid4())
                body = json.encode({"event": self._name, "event_id": event_id, "visitor_id": self._visitor})
                each = Followed(id=event_id, sent=time.time())
                self.followed.append(each)
                with suppress(httpx.HTTPError):
                    if client.post(f"{self._probe.collector}/v1/events", content=body).status_code == 202:
                        each.accepted = time.time() - each.sent

    def _look_by_sql(self) -> None:
        asked = {"database": "pulse", "param_site": self._probe.site, "param_name": self._name}
        with httpx.Client(timeout=30) as client:
            while not self._ended.wait(SEEN_EACH_S):
                waiting = {each.id: each for each in self.followed if each.seen is None}
                if not waiting:
                    continue
                with suppress(httpx.HTTPError):
                    answer = client.post(self._probe.clickhouse, params=asked, content=SEEN)
                    for id in answer.text.split():
                        if id in waiting:
                            waiting[id].seen = time.time() - waiting[id].sent

    def _count(self) -> None:
        """The statistics tell how many are counted, not which: the first sent are taken for the first counted."""
        asked = {"metric": "event_count", "period": "1h", "event": self._name}
        headers = {"authorization": f"Bearer {self._probe.key}"}
        with httpx.Client(headers=headers, timeout=30) as client:
            while not self._ended.wait(COUNTED_EACH_S):
                waiting = [each for each in self._accepted() if each.counted is None]
                if not waiting:
                    continue
                with suppress(httpx.HTTPError, KeyError):
                    answer = client.get(f"{self._probe.query}/api/v1/stats", params=asked)
                    now, counted = time.time(), int(answer.json()["data"]["value"])
                    for each in self._accepted()[:counted]:
                        each.counted = each.counted or now - each.sent

    def _read_along(self) -> None:
        config: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self._probe.kafka,
            "group.id": "bench-probe",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 50,
        }
        consumer = Consumer(config)
        consumer.assign([TopicPartition(EVENTS, 0, OFFSET_END)])
        name = self._name.encode()
        while not self._ended.is_set():
            for message in consumer.consume(500, 0.05):
                value = message.value() or b""
                if name in value:
                    self._note_refined(value)
        consumer.close()

    def _note_refined(self, value: bytes) -> None:
        for each in self.followed:
            if each.refined is None and each.id.encode() in value:
                each.refined = time.time() - each.sent


def main(asked: str) -> int:
    """Follow events until SIGTERM; a first line says that it begins."""
    follower = Follower(json.decode(asked, type=Probe))
    signal.signal(signal.SIGTERM, lambda *_: follower.stop())
    sys.stdout.write("\n")
    sys.stdout.flush()
    sys.stdout.write(json.encode(follower.run()).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
