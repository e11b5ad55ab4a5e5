"""From an event that passes a rule's level to the webhook that is told of it, through the whole product."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec import json
from standardwebhooks import Webhook

from deploy.local import port
from tests.commanding import pulse
from tests.eventually import eventually
from tests.product import Product
from tests.receiving import Receiver, Request, receiving

SAMPLES = 5


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving({}) as made:
        yield made


def _ask(product: Product, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {product.keys['admin_key']}"}
    answered = httpx.request(method, f"{product.url('query')}/api/v1/{path}", json=body, headers=headers, timeout=60)
    assert answered.status_code in (200, 201), answered.text
    told: dict[str, Any] = answered.json()
    return told


def _hook(product: Product, url: str, **more: Any) -> str:
    """A new webhook's secret."""
    body = {"site_id": product.site, "url": url, "kinds": ["alert"]} | more
    return str(_ask(product, "POST", "webhooks", body)["secret"])


def _rule(product: Product, event: str, level: int) -> str:
    """A new rule's id."""
    rule = {
        "name": f"too many {event}",
        "site_id": product.site,
        "metric": "events",
        "where": {"events": [event]},
        "condition": {"kind": "threshold", "operator": ">", "value": level},
    }
    return str(_ask(product, "POST", "alerts", rule)["id"])


def _rules(product: Product) -> float:
    """How many rules the alerts process knows."""
    metrics = httpx.get(f"{product.url('alerts')}/metrics", timeout=10).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in metrics if line.startswith("pulse_alerts_rules "))


def _of(receiver: Receiver, path: str, rule: str) -> list[Request]:
    return [each for each in receiver.at(path) if json.decode(each.body)["data"].get("rule_id") == rule]


def test_a_breach_is_told_to_a_webhook_within_seconds_signed_and_once(product: Product, receiver: Receiver) -> None:
    secret = _hook(product, receiver.url("/hook"))
    took = []
    for number in range(SAMPLES):
        event = f"failed_{uuid4().hex[:8]}"
        rule = _rule(product, event, 9)
        eventually(lambda known=number + 1: _rules(product) >= known)  # type: ignore[misc]
        began = time.monotonic()
        assert product.send([{"event": event, "visitor_id": f"v{n}"} for n in range(10)]).status_code == 202
        [told] = eventually(lambda rule=rule: _of(receiver, "/hook", rule))  # type: ignore[misc]
        took.append(told.at - began)
        notice = Webhook(secret).verify(told.body, dict(told.headers))
        assert (notice["event_type"], notice["site_id"]) == ("alert.firing", product.site)
        assert (notice["data"]["rule"], notice["data"]["value"]) == (f"too many {event}", 10)
    assert sorted(took)[SAMPLES // 2] < 3, took


def test_a_chat_is_told_the_rules_name(product: Product, receiver: Receiver) -> None:
    _hook(product, receiver.url("/slack"), template="slack")
    event = f"failed_{uuid4().hex[:8]}"
    _rule(product, event, 0)
    eventually(lambda: product.send([{"event": event, "visitor_id": "v"}]).status_code == 202)
    eventually(lambda: [each for each in receiver.at("/slack") if f"too many {event}".encode() in each.body])


def test_an_import_that_is_done_is_told_once_and_without_its_path(
    product: Product, receiver: Receiver, tmp_path: Path
) -> None:
    _hook(product, receiver.url("/imports"), kinds=["import.done"])
    file = tmp_path / "old.ndjson"
    file.write_text('{"event":"x","visitor_id":"v"}\n{"event":"y","visitor_id":"v"}\n{\n')
    pulse(product.environment, "import", file, expect=1)
    [told] = eventually(lambda: receiver.at("/imports"))
    notice = json.decode(told.body)
    assert (notice["event_type"], notice["site_id"]) == ("import.done", product.site)
    assert notice["data"]["files"] == ["old.ndjson"]
    assert (notice["data"]["accepted"], notice["data"]["refused"]) == (2, 1)
    assert str(tmp_path).encode() not in told.body


def test_an_import_goes_well_where_nobody_can_be_told(product: Product, tmp_path: Path) -> None:
    file = tmp_path / "old.ndjson"
    file.write_text('{"event":"x","visitor_id":"v"}\n')
    done = pulse(product.environment, "import", file, "--api", f"http://127.0.0.1:{port.free()}")
    assert done.stdout.startswith("1 events accepted")
    assert done.stderr.startswith("webhooks are not told that the import is done: the query API does not answer")
