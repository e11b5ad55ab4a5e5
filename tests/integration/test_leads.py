"""A lead through the whole product: sent, kept, judged by its session, told, shown."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec import json

from tests.commanding import pulse
from tests.eventually import eventually
from tests.product import Product
from tests.receiving import receiving


@pytest.fixture(scope="module")
def product(shared: Product) -> Product:
    """The one that others use too."""
    return shared


def command(product: Product, *words: str) -> list[dict[str, Any]]:
    return [json.decode(line) for line in pulse(product.environment, *words, "--json").stdout.splitlines()]


def test_a_form_is_sent_judged_told_and_shown_and_the_store_knows_nobody(product: Product) -> None:
    session, email = f"s-{uuid4().hex}", f"{uuid4().hex}@example.org"
    whose = {"session_id": session, "visitor_id": f"v-{session}"}
    assert product.send([{"event": "page_view", "url": "https://x.example/contact", **whose}]).status_code == 202
    with receiving({}) as receiver:
        words = ("--site", product.site, "--kind", "lead", "--unmasked")
        (hook,) = command(product, "webhooks", "create", receiver.url("/crm"), *words)
        sent = {"name": "Ada", "email": email, "form": "contact", "__pg_tts": 3, **whose}
        key = {"authorization": f"Bearer {product.keys['secret_key']}"}
        kept = httpx.post(f"{product.url('collector')}/lead", json=sent, headers=key, timeout=60)
        assert kept.status_code == 200, kept.text
        lead_id = kept.json()["lead_id"]
        eventually(lambda: receiver.got)
        told = json.decode(receiver.got[0].body)
    assert (hook["unmasked"], told["event_type"], told["data"]["email"]) == (True, "lead.created", email)
    assert (told["data"]["suspicion"], told["data"]["reasons"]) == (40, ["NO_ENGAGEMENT", "SUBMIT_TIME"])

    assert lead_id in [each["id"] for each in command(product, "leads", "list", "--site", product.site)]
    (shown,) = command(product, "leads", "show", lead_id)
    assert (shown["email"], shown["suspicion_band"]) == (email, "elevated")
    assert [each["event"] for each in shown["events"]] == ["page_view", "lead"]
    said = pulse(product.environment, "leads", "show", lead_id).stdout
    assert "SUBMIT_TIME 30" in said
    assert "/contact" in said
    product.drained()
    assert product.sql("SELECT count() FROM events WHERE event_id = {id:UUID}", id=lead_id) == [[1]]
    where = "position(concat(url, referrer, title, user_id, properties), {email:String}) > 0"
    assert product.sql(f"SELECT count() FROM events WHERE {where}", email=email) == [[0]]
