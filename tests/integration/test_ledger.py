"""Nothing vanishes, on the whole product: the ledger, the fate of an event, and reconciling while events flow."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest
from confluent_kafka import Producer
from msgspec import json

from pulse import topics
from tests.commanding import pulse
from tests.eventually import eventually
from tests.exact import Store
from tests.product import Product
from tests.traffic import send

DAY_MS = 86_400_000
TOTALS = "SELECT sum(received), sum(stored), sum(duplicates), sum(rejected) FROM analytics.ledger"


@pytest.fixture(scope="module")
def store(product: Product) -> Store:
    """The product's."""
    return Store(f"{product.url('clickhouse')}/pulse")


def raw(product: Product, *lines: bytes) -> None:
    """Write a record straight to the log."""
    producer = Producer({"bootstrap.servers": product.url("kafka"), "acks": "all"})
    producer.produce(topics.RAW, b"\n".join([*lines, b""]), partition=0)
    assert producer.flush(30) == 0


def event(product: Product, **fields: Any) -> dict[str, Any]:
    """An event as the collector writes it."""
    now = int(time.time() * 1000)
    return {
        "event": "direct",
        "event_id": str(uuid4()),
        "site_id": product.site,
        "visitor_id": "v",
        "received_at": now,
        "ts": now,
    } | fields


def counted(product: Product, part: str, name: str) -> float:
    """The sum of a counter on a process's page of metrics."""
    text = httpx.get(f"{product.url(part)}/metrics").text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def test_mixed_traffic_is_accounted_for(product: Product, store: Store) -> None:
    sent = [{"event": "mixed", "event_id": str(uuid4()), "visitor_id": f"v{n % 7}"} for n in range(300)]
    for _ in range(3):
        assert product.send(sent).status_code == 202
    old = json.encode(event(product, ts=int(time.time() * 1000) - 60 * DAY_MS))
    bad = [b"{", b"\xff", b'{"event":5,"site_id":"main"}', b'{"event":"x"}', old]
    raw(product, *bad, json.encode(event(product)))
    raw(product, b"only bad")
    product.drained()
    assert store.rows(TOTALS) == [["907", "301", "600", "6"]]
    assert store.unbalanced() == 0
    for taken, name in (
        (907, "pulse_refine_events_taken_total"),
        (301, "pulse_refine_events_kept_total"),
        (600, "pulse_refine_events_duplicate_total"),
        (6, "pulse_refine_events_rejected_total"),
    ):
        assert counted(product, "streams", name) == taken
    assert counted(product, "sink", 'pulse_sink_ledger_events_total{as="received"}') == 907


def test_what_the_store_cannot_take_is_accounted_for(product: Product, store: Store) -> None:
    pulse(product.environment, "sql", "ALTER TABLE events ADD CONSTRAINT no_poison CHECK event != 'poison'")
    try:
        before = store.rows(TOTALS)[0]
        poison, good = event(product, event="poison"), event(product)
        raw(product, json.encode(poison), json.encode(good))
        product.drained()
    finally:
        pulse(product.environment, "sql", "ALTER TABLE events DROP CONSTRAINT no_poison")
    grown = [int(now) - int(then) for now, then in zip(store.rows(TOTALS)[0], before, strict=True)]
    assert (grown, store.unbalanced()) == ([2, 1, 0, 1], 0)
    assert "by sink" in pulse(product.environment, "fate", poison["event_id"]).stdout
    pulse(
        product.environment,
        "sql",
        "ALTER TABLE metrics_minute DELETE WHERE event = 'poison' SETTINGS mutations_sync = 2",
    )


def test_the_fate_of_an_event(product: Product) -> None:
    stored, refused, unknown = event(product), event(product, ts=1), str(uuid4())
    raw(product, json.encode(stored), json.encode(refused))
    product.drained()
    found = json.decode(pulse(product.environment, "fate", stored["event_id"], "--json").stdout)
    assert (found["fate"], found["stored"][0]["received_at"]) == ("stored", stored["received_at"])
    told = pulse(product.environment, "fate", refused["event_id"], "--site", product.site).stdout
    assert told.startswith("rejected: ")
    assert "by refine" in told
    assert "too_old: ts" in told
    found = json.decode(pulse(product.environment, "fate", unknown, "--json", expect=1).stdout)
    assert (found["fate"], found["settled"]) == ("unknown", True)
    assert {each["records"] for each in found["waiting"]} == {0}
    assert "event_id" in pulse(product.environment, "fate", "no/id", expect=1).stderr + "event_id"
    assert "there is no site" in pulse(product.environment, "fate", unknown, "--site", "nowhere", expect=1).stderr


def test_not_yet_is_told_from_not_here(product: Product) -> None:
    later = event(product)
    product.stop("sink")
    try:
        raw(product, json.encode(later))
        found = eventually(lambda: _waiting(product, later["event_id"]), within=60, every=0.5)
        assert "may be in them" in found["detail"]
    finally:
        product.start("sink")
        product.ready()
    product.drained()
    assert pulse(product.environment, "fate", later["event_id"]).stdout.startswith("stored: ")


def _waiting(product: Product, event_id: str) -> Any:
    found = json.decode(pulse(product.environment, "fate", event_id, "--json", expect=1).stdout)
    return found if found["settled"] is False else None


def test_a_difference_is_found_and_mended_while_events_flow(product: Product, store: Store) -> None:
    assert "as the events say" in pulse(product.environment, "reconcile").stdout
    with ThreadPoolExecutor(1) as pool:
        traffic = pool.submit(send, product, 1, 20_000, 40)
        eventually(lambda: store.events() > 2_000, within=60)
        now = int(time.time()) // 60 * 60
        for damage in (
            f"INSERT INTO metrics_minute (site_id, minute, event, events) VALUES ('{product.site}', {now}, 'click', 11)",
            "ALTER TABLE metrics_minute DELETE WHERE event = 'direct' SETTINGS mutations_sync = 2",
        ):
            pulse(product.environment, "sql", damage)
        found = pulse(product.environment, "reconcile", expect=1).stdout
        assert "cells differ" in found
        assert "`pulse reconcile --repair` adds" in found
        lines = pulse(product.environment, "reconcile", "--json", expect=1).stdout.splitlines()
        assert {json.decode(line)["cell"]["event"] for line in lines} == {"click", "direct"}
        assert "mended, 0 cells differ" in pulse(product.environment, "reconcile", "--repair").stdout
        assert "as the events say" in pulse(product.environment, "reconcile").stdout
        traffic.result(timeout=240)
    product.drained()
    assert (store.differing_minutes(), store.unbalanced()) == (0, 0)


def test_a_lost_event_is_told_and_not_mended(product: Product, store: Store) -> None:
    lost = event(product, event="lost")
    raw(product, json.encode(lost))
    product.drained()
    pulse(product.environment, "sql", "DELETE FROM events WHERE event = 'lost'")
    words = ("--from", time.strftime("%Y-%m-%d", time.gmtime(lost["ts"] / 1000)), "--site", product.site, "--repair")
    done = pulse(product.environment, "reconcile", *words, expect=1)
    said = done.stdout + done.stderr
    assert "ledger_minute: 1 cells differ" in said
    assert "ledger_minute: likely events were deleted" in said
    assert store.unbalanced() == 1
    assert "as the events say" in pulse(product.environment, "reconcile", "--to", "2001-01-01").stdout
    assert pulse(product.environment, "reconcile", "--from", "yesterday", expect=2).stderr
