"""What the collector costs: CPU microseconds an event, of its pure part and over HTTP before an embedded broker.

`python -m bench.collector [seconds]`. Both are CPU times of the collector alone, not of clients and broker. The pure part
is decoding, stamping, splitting by partition and encoding, the best of five rounds; over HTTP come parsing, gathering,
compression and the producer's threads.
"""

import asyncio
import gc
import random
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil
from msgspec import json

from api.collector.app import GC_THRESHOLDS
from api.collector.decode import decode
from api.collector.flood import Floods
from api.collector.judge import judge
from api.collector.stamp import Receipt
from pulse.clock import Bounds
from tests import services
from tests.collecting import PARTITIONS, SITE, collecting, create_raw
from tests.eventually import eventually

BATCHES = (500, 50, 5, 1)
ROUNDS = 5
CONNECTIONS = 16
SINGLE_CONNECTIONS = 256
BODIES = 8


def event(number: int, now: int) -> dict[str, Any]:
    """An event of about 360 bytes, as a page sends it."""
    return {
        "event": random.choice(["page_view", "click", "purchase"]),
        "event_id": str(uuid.uuid4()),
        "ts": now + number,
        "visitor_id": f"v{random.randrange(10_000)}",
        "session_id": f"s{random.randrange(10_000)}",
        "url": f"https://shop.example.com/products/{number}?utm_source=news",
        "referrer": "https://www.google.com/",
        "screen": "1920x1080",
        "language": "de-AT",
        "timezone": "Europe/Vienna",
        "properties": {"plan": "pro", "n": number, "price": 1.5 * number, "tag": "abc"},
    }


def batch(size: int) -> bytes:
    """A body of so many events."""
    now = time.time_ns() // 1_000_000
    events = [event(number, now) for number in range(size)]
    return json.encode(events if size > 1 else events[0])


def pure(size: int) -> float:
    """CPU microseconds an event from body to lines."""
    body = batch(size)
    now = time.time_ns() // 1_000_000
    receipt = Receipt(SITE, now, secret=True, ip="203.0.113.9", user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0)")
    bounds, floods = Bounds(), Floods(200, 0)
    repeats = max(20_000 // size, 1)
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(repeats):
            at = time.monotonic()
            judged = judge(decode(body, False), receipt, bounds, random.getrandbits, PARTITIONS, floods, at)
            assert judged.accepted == size
        best = min(best, (time.process_time() - begun) / repeats / size * 1e6)
    return best


@dataclass(frozen=True)
class Measured:
    """What a load over HTTP came to; times of answers in ms."""

    events_a_second: float
    cpu_us: float
    p50: float
    p99: float
    events_a_record: float


async def client(port: int, request: bytes, until: float, answered: list[float]) -> None:
    """Send the same request over one connection again and again; keeps how long each answer took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        begun = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 202"), head
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        answered.append(time.perf_counter() - begun)
    writer.close()


async def load(port: int, key: str, size: int, seconds: float) -> list[float]:
    """All connections at once; how long each answer took."""
    requests = []
    for _ in range(BODIES):
        body = batch(size)
        head = f"POST /v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n"
        head += f"user-agent: bench\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        requests.append(head.encode() + body)
    answered: list[float] = []
    until = time.perf_counter() + seconds
    connections = SINGLE_CONNECTIONS if size < BATCHES[1] else CONNECTIONS
    await asyncio.gather(*(client(port, requests[n % BODIES], until, answered) for n in range(connections)))
    return answered


def over_http(size: int, seconds: float, folder: Path) -> Measured:
    """A collector of its own under as much load as it takes."""
    broker = services.embedded_kafka(folder / "kafka")
    broker.start()
    try:
        create_raw(broker.url)
        with collecting(broker.url, folder) as collector:
            eventually(lambda: collector.post({"event": "warm"}).status_code == 202)
            process = psutil.Process(collector.running.pid)
            port = int(collector.url.rpartition(":")[2])
            before, begun = process.cpu_times(), time.perf_counter()
            answered = asyncio.run(load(port, collector.keys["secret"], size, seconds))
            took, after = time.perf_counter() - begun, process.cpu_times()
            records = collector.metric("pulse_collector_records_produced_total")
    finally:
        broker.kill()
    events = len(answered) * size
    cpu = after.user + after.system - before.user - before.system
    cuts = quantiles(answered, n=100)
    return Measured(events / took, cpu / events * 1e6, cuts[49] * 1000, cuts[98] * 1000, events / records)


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    print(f"{'batch':>6} {'pure us/event':>14}")
    for size in BATCHES:
        print(f"{size:>6} {pure(size):>14.2f}")
    print(f"{'batch':>6} {'http us/event':>14} {'events/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'events/record':>14}")
    for size in BATCHES:
        with tempfile.TemporaryDirectory() as folder:
            m = over_http(size, seconds, Path(folder))
        print(
            f"{size:>6} {m.cpu_us:>14.2f} {m.events_a_second:>10,.0f} {m.p50:>8.1f} {m.p99:>8.1f} {m.events_a_record:>14.1f}"
        )


if __name__ == "__main__":
    main()
