"""Networks and bots through a product that runs: data come while it does, and what they tell is asked for."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests import networks
from tests.commanding import pulse
from tests.eventually import eventually
from tests.product import Product

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SENT = (
    ("198.51.100.66", FIREFOX),
    ("198.51.100.67", FIREFOX),
    ("192.0.2.33", GOOGLEBOT),
    ("203.0.113.9", GOOGLEBOT),
    ("2001:db8:8000::9", FIREFOX),
)


@pytest.fixture(scope="module")
def product(shared: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The one that others use too, with data on networks for as long as these tests last."""
    brought = networks.packages(tmp_path_factory.mktemp("packages"))
    pulse(shared.environment, "geo", "update", "--from", brought)
    yield shared
    shutil.rmtree(Path(shared.environment["PULSE_DATA"]) / "networks")


def sent(product: Product) -> str:
    """Send an event from each address; the name of the events."""
    name = f"network_{uuid4().hex}"
    events = [{"event": name, "ip": ip, "user_agent": agent, "visitor_id": ip} for ip, agent in SENT]
    assert product.send(events).json()["accepted"] == len(SENT)
    product.drained()
    return name


def asked(product: Product, **question: Any) -> dict[tuple[str, ...], int]:
    """Events by the fields of a breakdown, as the API counts them."""
    answer = httpx.post(
        f"{product.url('query')}/api/v1/query",
        headers={"authorization": f"Bearer {product.keys['admin_key']}"},
        json={"site_id": product.site, "metrics": ["events"], "period": "24h", **question},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    return {tuple(row["dimensions"].values()): row["metrics"]["events"] for row in answer.json()["rows"]}


def test_data_that_come_while_events_do_are_put_to_them_and_asked_for(product: Product) -> None:
    assert eventually(lambda: "iporigin" in httpx.get(f"{product.url('streams')}/metrics").text, within=30, every=0.5)
    name = sent(product)
    its_own = {"field": "event", "op": "eq", "value": name}
    assert asked(product, breakdown=["network", "country"], filter=its_own) == {
        ("tor", "AT"): 1,
        ("eyeball", "AT"): 1,
        ("crawler", "NL"): 1,
        ("mobile", "DE"): 1,
        ("relay", ""): 1,
    }
    assert asked(product, breakdown=["bot_name", "bot_kind", "bot_claim"], filter=its_own) == {
        ("", "", ""): 3,
        ("Googlebot", "search", "verified"): 1,
        ("Googlebot", "search", "spoofed"): 1,
    }
    spoofed = {"and": [its_own, {"field": "bot_claim", "op": "eq", "value": "spoofed"}]}
    assert asked(product, breakdown=["as_org"], filter=spoofed) == {("Nord Mobilfunk AG, Wireless",): 1}
    rows = product.sql(
        "SELECT ip, network_source, network_days > 0, as_entropy FROM analytics.events WHERE event = {n:String} ORDER BY ip, 2",
        n=name,
    )
    assert rows == [
        ["192.0.2.0", "Googlebot", True, 0],
        ["198.51.100.0", "", True, 0],
        ["198.51.100.0", "Tor", True, 0],
        ["2001:db8:8000::", "Apple Private Relay", True, 0],
        ["203.0.113.0", "", True, 0],
    ]


def test_a_list_of_the_operators_own_counts_without_a_restart(product: Product) -> None:
    own = Path(product.environment["PULSE_DATA"]) / "networks" / "own"
    own.mkdir()
    (own / "gateway.txt").write_text("198.51.100.64/26\nnonsense\n")
    page = f"{product.url('streams')}/metrics"
    eventually(lambda: "pulse_network_faults 1.0" in httpx.get(page).text, within=30, every=0.5)
    name = sent(product)
    found = product.sql(
        "SELECT network, count() FROM events WHERE event = {n:String} GROUP BY 1 ORDER BY 2 DESC LIMIT 1", n=name
    )
    assert found == [["gateway", 2]]
    assert httpx.get(f"{product.url('streams')}/health/ready").status_code == 200
    shutil.rmtree(own)


def test_whole_addresses_stay_in_the_raw_log(product: Product) -> None:
    sent(product)
    logs = "".join(path.read_text() for path in (product.folder / "logs").iterdir())
    stored = product.sql("SELECT DISTINCT ip FROM events WHERE event LIKE 'network_%'")
    for ip, _ in SENT:
        assert ip not in logs
        assert [ip] not in stored
