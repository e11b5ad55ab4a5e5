"""From an event sent to an event counted: by SQL and the API, for whom, and from whatever comes to the log."""

import time
from functools import partial
from itertools import count
from uuid import uuid4

import httpx
import pytest
from confluent_kafka import Producer

from pulse import topics
from tests.eventually import eventually
from tests.exact import Store
from tests.product import Product

SAMPLES = 10


@pytest.fixture(scope="module")
def product(shared: Product) -> Product:
    """The one that others use too."""
    return shared


def test_an_event_is_found_by_sql_and_counted_by_the_api_without_others_after_it(product: Product) -> None:
    for _ in range(SAMPLES):
        event_id, name = str(uuid4()), f"sample_{uuid4().hex}"
        assert product.send([{"event": name, "event_id": event_id}]).status_code == 202
        eventually(partial(product.sql, "SELECT 1 FROM events WHERE event_id = {id:UUID}", id=event_id))
        eventually(partial(_count, product, event=name))


def test_the_same_event_again_is_no_new_event(product: Product) -> None:
    name, event_id = f"twice_{uuid4().hex}", str(uuid4())
    for _ in range(3):
        assert product.send([{"event": name, "event_id": event_id, "visitor_id": "v"}] * 2).status_code == 202
    product.drained()
    assert product.sql("SELECT count() FROM events WHERE event = {name:String}", name=name) == [[1]]
    assert _count(product, event=name) == 1


def test_what_others_produce_to_the_log_is_refined_or_refused_with_a_reason(product: Product) -> None:
    name = f"direct_{uuid4().hex}"
    good = b'{"event":"%s","site_id":"%s","visitor_id":"v"}' % (name.encode(), product.site.encode())
    bad = [b"{", b'{"event":5,"site_id":"main"}', b'{"event":"%s"}' % name.encode(), b"\xff\xfe"]
    producer = Producer({"bootstrap.servers": product.url("kafka"), "acks": "all"})
    before = product.sql("SELECT count() FROM events_rejected")[0][0]
    for partition, value in zip(count(), [b"\n".join([good, *bad, good]), b"", None], strict=False):
        producer.produce(topics.RAW, value, partition=partition % 4)
    assert producer.flush(60) == 0
    eventually(lambda: product.sql("SELECT count() FROM events WHERE event = {n:String}", n=name) == [[2]])
    product.drained()
    after = product.sql("SELECT count() FROM events_rejected")[0][0]
    assert after - before == len(bad)
    last = "(SELECT reason FROM events_rejected ORDER BY stored_at DESC LIMIT {n:UInt8})"
    reasons = {row[0] for row in product.sql(f"SELECT DISTINCT reason FROM {last}", n=len(bad))}
    assert reasons == {"malformed", "invalid", "no_site"}


def test_minutes_equal_their_events(product: Product) -> None:
    now = int(time.time() * 1000)
    names = [f"{name}_{uuid4().hex}" for name in ("page_view", "purchase")]
    events = [
        {
            "event": names[bool(i % 3)],
            "ts": now - i * 7_001,
            "visitor_id": f"v{i % 50}",
            "country": ("DE", "us", "")[i % 3],
            "revenue": 0.1 * i,
            "currency": "EUR",
        }
        for i in range(1500)
    ]
    assert product.send(events).json()["accepted"] == len(events)
    product.drained()
    store = Store(f"{product.url('clickhouse')}/pulse")
    eventually(lambda: store.differing_minutes() == 0)
    assert store.events(f"event IN {tuple(names)}") == len(events)


def test_another_key_of_the_site_may_write_and_not_read(product: Product) -> None:
    site_key = product.keys["site_key"]
    sent = httpx.post(
        f"{product.url('collector')}/v1/events",
        json={"event": "from_browser"},
        headers={"x-api-key": site_key, "origin": "https://example.com"},
    )
    assert sent.status_code == 202
    assert product.stats(key=site_key, metric="event_count", period="1h").status_code == 403


def _count(product: Product, **filters: str) -> int:
    answer = product.stats(product.keys["secret_key"], metric="event_count", period="1h", **filters)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["value"])
