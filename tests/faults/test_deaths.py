"""Everything dies once while events flow: each event answered 202 is stored once, and every minute adds up."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.exact import Store, assert_exact
from tests.product import Product
from tests.traffic import Sent, send

pytestmark = [pytest.mark.native, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def sent_before() -> set[str]:
    """The ids of all traffic of this module so far."""
    return set()


def _exact(product: Product, sent: Sent, before: set[str]) -> None:
    before |= sent.ids
    product.ready()
    product.drained(within=120)
    assert_exact(Store(f"{product.url('clickhouse')}/pulse"), before)


def test_each_process_killed_once(product: Product, sent_before: set[str]) -> None:
    with ThreadPoolExecutor(1) as pool:
        traffic = pool.submit(send, product, 1, 60_000, 25)
        for name in ("streams", "sink", "collector", "clickhouse"):
            time.sleep(3)
            product.kill(name)
            time.sleep(0.5)
            product.start(name)
        _exact(product, traffic.result(timeout=240), sent_before)


def _without_broker(product: Product, seed: int, seconds: float) -> Sent:
    """Traffic during which the broker is stopped for so long."""
    with ThreadPoolExecutor(1) as pool:
        traffic = pool.submit(send, product, seed, 20_000, 15)
        time.sleep(3)
        product.stop("kafka")
        time.sleep(seconds)
        product.start("kafka")
        return traffic.result(timeout=240)


def test_the_broker_away_is_no_matter_to_who_sends(product: Product, sent_before: set[str]) -> None:
    sent = _without_broker(product, 2, 20)
    assert set(sent.statuses) == {202}
    _exact(product, sent, sent_before)


def test_the_broker_away_and_the_collector_killed_meanwhile(product: Product, sent_before: set[str]) -> None:
    with ThreadPoolExecutor(1) as pool:
        product.stop("kafka")
        traffic = pool.submit(send, product, 6, 20_000, 15)
        for _ in range(2):
            time.sleep(5)
            product.kill("collector")
            product.start("collector")
        product.start("kafka")
        sent = traffic.result(timeout=240)
    assert set(sent.statuses) == {202}
    _exact(product, sent, sent_before)


def test_without_a_spool_the_broker_away_is_said_and_nothing_accepted_is_lost(
    product: Product, sent_before: set[str]
) -> None:
    product.environment["PULSE_SPOOL_MB"] = "0"
    product.stop("collector")
    product.start("collector")
    product.ready()
    sent = _without_broker(product, 7, 20)
    del product.environment["PULSE_SPOOL_MB"]
    product.stop("collector")
    product.start("collector")
    assert sent.statuses.get(503), sent.statuses
    _exact(product, sent, sent_before)


def test_the_store_away_delays_and_nothing_else(product: Product, sent_before: set[str]) -> None:
    product.stop("clickhouse")
    began = time.monotonic()
    sent = send(product, 3, 20_000, 10)
    assert set(sent.statuses) == {202}
    time.sleep(max(0.0, 30 - (time.monotonic() - began)))
    product.start("clickhouse")
    _exact(product, sent, sent_before)


def test_everything_stopped_and_started_goes_on_where_it_was(product: Product, sent_before: set[str]) -> None:
    first = send(product, 4, 5_000)
    product.stop("collector", "streams", "sink", "kafka", "clickhouse")
    product.start("clickhouse", "kafka", "streams", "sink", "collector")
    product.ready()
    again = send(product, 4, 5_000)
    assert again.ids == first.ids
    more = send(product, 5, 5_000)
    more.ids |= first.ids
    _exact(product, more, sent_before)
