"""From an event answered 202 to its row found by SQL and its count by the API, one event at a time: p50, p95, p99."""

import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import quantiles
from uuid import uuid4

from tests.eventually import eventually
from tests.product import Product

SAMPLES = 200


def main() -> None:
    """Measure on Apache Kafka."""
    with tempfile.TemporaryDirectory() as folder:
        product = Product.begin(Path(folder))
        try:
            _measure(product)
        finally:
            product.end()


def _measure(product: Product) -> None:
    accepted, found, counted = [], [], []
    for _ in range(SAMPLES):
        event_id, name = str(uuid4()), f"sample_{uuid4().hex}"
        sent = time.monotonic()
        assert product.send([{"event": name, "event_id": event_id}]).status_code == 202
        began = time.monotonic()
        eventually(partial(product.sql, "SELECT 1 FROM events WHERE event_id = {id:UUID}", id=event_id), every=0.02)
        seen = time.monotonic()
        eventually(partial(_is_counted, product, name), every=0.02)
        accepted.append(began - sent)
        found.append(seen - began)
        counted.append(time.monotonic() - began)
    for name, seconds in (("to 202", accepted), ("202 to SQL", found), ("202 to /api/v1/stats", counted)):
        cut = quantiles(seconds, n=100)
        print(f"{name:22} p50 {cut[49] * 1000:6.0f} ms   p95 {cut[94] * 1000:6.0f} ms   p99 {cut[98] * 1000:6.0f} ms")


def _is_counted(product: Product, name: str) -> bool:
    answer = product.stats(product.keys["secret_key"], metric="event_count", period="1h", event=name)
    return bool(answer.json()["data"]["value"] == 1)


if __name__ == "__main__":
    main()
