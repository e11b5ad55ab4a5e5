"""The other commands, on the whole product."""

from typing import Any

import pytest
from msgspec import json

from tests.commanding import pulse
from tests.eventually import eventually
from tests.product import Product
from tests.receiving import Reply, receiving


@pytest.fixture(scope="module")
def product(shared: Product) -> Product:
    """The one that others use too."""
    return shared


def ask(product: Product, *words: str, **more: Any) -> Any:
    return json.decode(pulse(product.environment, *words, "--json", **more).stdout)


def listed(product: Product, *words: str) -> list[dict[str, Any]]:
    return [json.decode(line) for line in pulse(product.environment, *words, "--json").stdout.splitlines()]


def test_an_event_is_sent_and_stored(product: Product) -> None:
    words = (
        "--url",
        "https://x.example/a",
        "--visitor",
        "me",
        "-p",
        "seats=3",
        "-p",
        "plan=pro",
        "--ts",
        "2026-01-02T03:04:05Z",
    )
    said = pulse(product.environment, "send", "bought", *words, "--revenue", "2.5", "--currency", "EUR").stdout
    assert json.decode(said) == {"accepted": 1, "refused": []}
    product.drained()
    found = product.sql(
        "SELECT path, visitor_id, JSONExtractInt(properties, 'seats'), JSONExtractString(properties, 'plan'), "
        "toString(revenue), toString(ts) FROM events WHERE event = 'bought'"
    )
    assert found == [["/a", "me", 3, "pro", "2.5", "2026-01-02 03:04:05.000"]]


def test_a_refused_event_is_told_and_ends_with_1(product: Product) -> None:
    done = pulse(product.environment, "send", "x", "--country", "Austria", expect=1)
    assert json.decode(done.stdout)["refused"][0]["field"] == "country"
    assert done.stderr.startswith("pulse: the collector answered 400")
    lines = '{"event":"line"}\n{"event":7}\n'
    done = pulse(product.environment, "send", "--file", "-", given=lines, expect=1)
    assert json.decode(done.stdout)["accepted"] == 1


def test_the_status_tells_of_every_process_and_table(product: Product) -> None:
    product.drained()
    found = eventually(lambda: _without_lag(product), every=0.5)
    assert {each["name"]: each["state"] for each in found["processes"]} == dict.fromkeys(
        ("collector", "query", "live", "streams", "sink", "alerts", "delivery"), "ready"
    )
    assert found["faults"] == []
    assert {each["topic"] for each in found["lag"]} >= {"pulse.events.raw", "pulse.events", "pulse.metrics"}
    assert {each["group"] for each in found["lag"]} >= {"pulse-streams", "pulse-sink", "pulse-alerts"}
    assert {"events", "metrics_minute"} <= {each["table"] for each in found["tables"]}
    assert found["disk"]["used"] > 0
    assert "collector" in pulse(product.environment, "status").stdout


def test_the_status_names_what_is_away(product: Product) -> None:
    product.stop("clickhouse", "query")
    try:
        found = eventually(lambda: _waiting(product), every=0.5)
        states = {each["name"]: each["state"] for each in found["processes"]}
        assert states["query"] == "does not answer"
        assert states["collector"] == "ready"
        assert any(fault.startswith("ClickHouse does not answer") for fault in found["faults"])
    finally:
        product.start("clickhouse", "query")
        product.ready()


def _without_lag(product: Product) -> Any:
    found = ask(product, "status")
    return found if found["lag"] and all(each["records"] == 0 for each in found["lag"]) else None


def _waiting(product: Product) -> Any:
    found = ask(product, "status")
    sink = next(each for each in found["processes"] if each["name"] == "sink")
    return found if "clickhouse" in sink["state"].lower() else None


def test_migrating_again_changes_nothing(product: Product) -> None:
    assert pulse(product.environment, "migrate").stdout.count("up to date") == 3
    assert "as the migrations make it" in pulse(product.environment, "migrate", "--verify").stdout


def test_a_tampered_table_fails_the_verification(product: Product) -> None:
    pulse(product.environment, "sql", "ALTER TABLE events ADD COLUMN smuggled UInt8")
    try:
        done = pulse(product.environment, "migrate", "--verify", expect=1)
        assert done.stderr.startswith("pulse: ClickHouse: ")
        assert "events" in done.stderr
    finally:
        pulse(product.environment, "sql", "ALTER TABLE events DROP COLUMN smuggled")


def test_sites_are_made_listed_and_archived(product: Product) -> None:
    ask(product, "sites", "create", "shop", "--name", "Shop", "--timezone", "Europe/Vienna")
    assert ("shop", "Shop", "Europe/Vienna") in [
        (site["id"], site["name"], site["timezone"]) for site in listed(product, "sites", "list")
    ]
    assert "Shop" in pulse(product.environment, "sites", "list").stdout
    again = pulse(product.environment, "sites", "create", "shop", expect=1)
    assert again.stderr.startswith("pulse: the query API answered 409")
    pulse(product.environment, "sites", "archive", "shop")
    assert "shop" not in [site["id"] for site in listed(product, "sites", "list")]


def test_a_key_of_the_environment_that_may_not_is_told_as_such(product: Product) -> None:
    writing = json.decode(pulse(product.environment, "keys", "create", "writing", "--json").stdout)["key"]
    for words in (["keys", "list"], ["sites", "create", "another"]):
        said = pulse(product.environment | {"PULSE_KEY": writing}, *words, expect=1).stderr
        assert "403: the key lacks the scope admin" in said
        assert "environment variable PULSE_KEY" in said
    said = pulse(product.environment, "keys", "list", "--key", writing, expect=1).stderr
    assert "403: the key lacks the scope admin" in said
    assert "PULSE_KEY" not in said


def test_keys_are_made_used_replaced_and_revoked(product: Product) -> None:
    made = ask(product, "keys", "create", "a server", "--site", product.site)
    pulse(product.environment, "send", "by_key", "--key", made["key"])
    new = ask(product, "keys", "rotate", made["id"], "--overlap-hours", "1")
    assert new["key"] != made["key"]
    pulse(product.environment, "send", "by_key", "--key", new["key"])
    pulse(product.environment, "keys", "revoke", new["id"])
    ended = {key["id"]: key["revoked"] for key in listed(product, "keys", "list", "--site", product.site)}
    assert ended[new["id"]]
    assert ended[made["id"]] is None


@pytest.mark.parametrize(
    "words", [["sites", "archive", "nowhere"], ["keys", "revoke", "nobody"], ["keys", "rotate", "no/body"]]
)
def test_what_does_not_exist_is_a_sentence(product: Product, words: list[str]) -> None:
    done = pulse(product.environment, *words, expect=1)
    assert done.stderr.startswith("pulse: the query API answered 404")
    assert done.stderr.count("\n") == 1


def test_webhooks_are_made_tried_and_sent_again(product: Product) -> None:
    with receiving({"/hook": [Reply(), Reply(404), Reply()]}) as receiver:
        words = ["--site", product.site, "--kind", "alert", "--header", "X-Token: t"]
        made = ask(product, "webhooks", "create", receiver.url("/hook"), *words)
        found = ask(product, "webhooks", "test", made["id"])
        assert (found["state"], found["status"]) == ("delivered", 200)
        assert "404" in pulse(product.environment, "webhooks", "test", made["id"], expect=1).stdout
        dead = listed(product, "webhooks", "deliveries", made["id"], "--state", "dead")
        assert len(dead) == 1
        assert "1 delivery is" in pulse(product.environment, "webhooks", "redeliver", made["id"]).stdout
        eventually(lambda: len(receiver.got) == 3)
        pulse(product.environment, "webhooks", "redeliver", made["id"], dead[0]["id"])
        eventually(lambda: len(receiver.got) == 4)
        assert made["id"] in [each["id"] for each in listed(product, "webhooks", "list", "--site", product.site)]

    assert made["secret"].startswith("whsec_")
    assert all(request.headers["x-token"] == "t" for request in receiver.got)
    refused = pulse(product.environment, "webhooks", "create", "http://10.0.0.1/", "--site", product.site, expect=1)
    assert "private" in refused.stderr


def test_a_webhook_is_switched_given_another_secret_and_removed(product: Product) -> None:
    with receiving({"/hook": [Reply()]}) as receiver:
        made = ask(product, "webhooks", "create", receiver.url("/hook"), "--site", product.site, "--kind", "alert")
    switched = []
    for word in ("disable", "enable"):
        pulse(product.environment, "webhooks", word, made["id"])
        switched += [each["enabled"] for each in listed(product, "webhooks", "list") if each["id"] == made["id"]]
    rotated = ask(product, "webhooks", "rotate", made["id"], "--overlap", "1")
    shown = json.decode(pulse(product.environment, "webhooks", "preview", "--template", "slack").stdout)
    pulse(product.environment, "webhooks", "delete", made["id"])

    assert switched == [False, True]
    assert rotated["secret"] != made["secret"]
    assert "blocks" in shown["body"]
    assert made["id"] not in [each["id"] for each in listed(product, "webhooks", "list")]


def test_a_rule_is_made_hushed_switched_and_removed(product: Product) -> None:
    condition = {"kind": "threshold", "operator": ">", "value": 1_000_000}
    rule = {"name": "A name of several words", "site_id": product.site, "metric": "events", "condition": condition}
    made = ask(product, "alerts", "create", "-", given=json.encode(rule))
    told = {
        word: [
            pulse(product.environment, "alerts", *word.split(), made["id"]).stdout,
            ask(product, "alerts", "show", made["id"], "--told", "0"),
        ]
        for word in ("mute", "unmute", "snooze --for 2h", "snooze --end", "disable", "enable")
    }
    table = pulse(product.environment, "alerts", "list").stdout
    pulse(product.environment, "alerts", "delete", made["id"])

    assert [told[word][1]["muted"] for word in ("mute", "unmute")] == [True, False]
    assert told["snooze --for 2h"][1]["snoozed_until"] > made["created"] + 7_000_000
    assert told["snooze --end"][1]["snoozed_until"] is None
    assert [told[word][1]["enabled"] for word in ("disable", "enable")] == [False, True]
    assert "A name of several words" in table
    assert "threshold > 1000000.0" in table
    assert made["id"] not in [each["id"] for each in listed(product, "alerts", "list")]
    for wrong in ("soon", "0m", "1w"):
        assert pulse(product.environment, "alerts", "snooze", "rule", "--for", wrong, expect=2)
    assert "holds no rule" in pulse(product.environment, "alerts", "create", "-", given="{", expect=1).stderr
