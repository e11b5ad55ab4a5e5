"""`pulse demo`: what its summary counts is what the store holds."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec import json

from tests.commanding import pulse
from tests.exact import Store
from tests.product import Product

MADE = "FROM events WHERE host = 'demo.example'"


@pytest.fixture(scope="module")
def product(shared: Product) -> Product:
    """The one that others use too."""
    return shared


def run(product: Product, *words: str) -> Any:
    summary = json.decode(pulse(product.environment, "demo", "--json", *words, within=280).stdout)
    product.drained()
    return summary


def test_the_store_holds_exactly_the_distinct_events(product: Product) -> None:
    made = run(product, "--fast", "--events", "60000", "--duplicates", "0.01", "--late", "0.05")
    assert made["distinct"] == 60_000
    assert made["sent"] == made["distinct"] + made["duplicates"]
    assert 0.005 < made["duplicates"] / 60_000 < 0.015
    assert 0.04 < made["late"] / 60_000 < 0.06
    assert product.sql(f"SELECT count(), uniqExact(event_id), countIf(bot) {MADE}") == [[60_000, 60_000, made["bots"]]]
    assert dict(map(tuple, product.sql(f"SELECT event, count() {MADE} GROUP BY event"))) == made["events"]
    assert product.sql(f"SELECT min(toUnixTimestamp64Milli(ts)), max(toUnixTimestamp64Milli(ts)) {MADE}") == [
        [made["first"], made["last"]]
    ]
    assert revenue(product) == {name: Decimal(total) for name, total in made["revenue"].items()}
    assert Store(product.environment["PULSE_CLICKHOUSE_URL"]).differing_minutes() == 0


def revenue(product: Product) -> dict[str, Decimal]:
    rows = product.sql(f"SELECT currency, toString(sum(revenue)) {MADE} AND currency != '' GROUP BY currency")
    return {currency: Decimal(total) for currency, total in rows}


def test_the_same_seed_at_the_same_time_adds_nothing(product: Product) -> None:
    words = (
        "--fast",
        "--events",
        "500",
        "--seed",
        "7",
        "--now",
        str(product.sql("SELECT toUnixTimestamp(now()) * 1000")[0][0]),
    )
    before = count(product)
    first, again = run(product, *words), run(product, *words)
    assert first == again
    assert count(product) - before == 500
    other = run(product, *words, "--seed", "8")
    assert other["events"] != first["events"]
    assert count(product) - before == 1_000


def test_live_traffic_happens_as_it_is_sent(product: Product) -> None:
    began = now(product)
    made = run(product, "--days", "0", "--rate", "100", "--duration", "2")
    assert made["distinct"] == 200
    assert began <= made["first"] <= made["last"] <= now(product)
    assert product.sql(f"SELECT count() {MADE} AND clock != ''") == [[0]]


def test_the_summary_for_people(product: Product) -> None:
    said = pulse(product.environment, "demo", "--events", "50", "--rate", "1000").stdout
    assert "50 events" in said
    assert "page_view" in said


def now(product: Product) -> int:
    """The store's time of day, in ms."""
    found: int = product.sql("SELECT toUnixTimestamp64Milli(now64(3))")[0][0]
    return found


def count(product: Product) -> int:
    found: int = product.sql(f"SELECT count() {MADE}")[0][0]
    return found
