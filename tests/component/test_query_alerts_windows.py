"""Rules on stored events over HTTP: kept, few of a site, tried over what is stored."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.control.rules import MOST_OF_STORE
from api.control.store import Store
from clickhouse.client import Client
from pulse.alerting.rule import Rule
from pulse.errors import Conflict
from pulse.minute import MINUTE_MS
from tests.querying import Api, Row, fill, populated, querying, settings_of

RULE: dict[str, Any] = {
    "metric": "visitors",
    "window_minutes": 10,
    "condition": {"kind": "threshold", "operator": ">", "value": 4},
}
KEPT = RULE | {"name": "Many", "site_id": "shop"}


@pytest.fixture
def client(migrated: Client) -> Client:
    return migrated


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse)) as made:
        yield made


async def test_rules_on_stored_events_are_tried_over_what_is_stored(api: Api, client: Client) -> None:
    now = int(time.time() * 1000) // MINUTE_MS * MINUTE_MS
    hour = 60 * MINUTE_MS
    fill(
        client,
        [
            Row("shop", name, now - ago * hour + n, f"v{n % several}", country="AT" if n % 2 else "DE")
            for ago, many, several in ((2, 9, 5), (5, 9, 4), (9, 7, 7))
            for n in range(many)
            for name in ("view", "error")[: 1 + (n == 3)]
        ],
    )
    made = await api.ask("POST", "/api/v1/alerts", json=KEPT)
    assert (made.status_code, made.json()["metric"]) == (201, "visitors")
    asked = await api.ask("POST", f"/api/v1/alerts/{made.json()['id']}/backtest", "reader", json={"days": 1})
    assert [
        (each["fired"] - now, each["value"], each["resolved"] - each["fired"]) for each in asked.json()["firings"]
    ] == [
        (MINUTE_MS - 9 * hour, 7, 10 * MINUTE_MS),
        (MINUTE_MS - 2 * hour, 5, 10 * MINUTE_MS),
    ]

    async def fired(**parts: Any) -> list[tuple[str | None, float]]:
        trial = {"site_id": "shop", "days": 1, "rule": RULE | parts}
        found = await api.ask("POST", "/api/v1/alerts/backtest", json=trial)
        assert found.status_code == 200, found.text
        return [(each["group"], each["value"]) for each in found.json()["firings"]]

    above = RULE["condition"]
    grouped = await fired(group_by="country", condition=above | {"value": 3})
    assert (grouped[0], sorted(grouped[1:])) == (("DE", 4), [("AT", 4), ("DE", 5)])
    assert await fired(metric="error_rate", condition=above | {"value": 0.2}) == [(None, 0.25)]
    ways = {"metric": "conversion", "over": ["view"], "of": ["error"], "condition": above | {"value": 0}}
    assert await fired(**ways) == []
    before = {"kind": "relative", "against": "previous", "operator": "<", "percent": -50}
    assert await fired(condition=before, min_volume=5) == [(None, 0)]
    lag = await api.ask(
        "POST", "/api/v1/alerts/backtest", json={"site_id": "shop", "days": 1, "rule": RULE | {"metric": "lag"}}
    )
    assert (lag.status_code, "is not stored" in lag.json()["detail"]) == (400, True)


async def test_an_unusual_share_of_risky_traffic_is_tried_over_what_is_stored(api: Api, client: Client) -> None:
    now = int(time.time() * 1000) // MINUTE_MS * MINUTE_MS
    day = 1_440 * MINUTE_MS
    fill(
        client,
        [
            Row("shop", "view", now - days * day - ago * MINUTE_MS + n, f"v{n}", risk=80 if n < risky else 0)
            for days in range(5)
            for ago in range(60, 90)
            for risky in [24 if days == 0 and ago in (70, 71, 72) else 2]
            for n in range(40)
        ],
    )
    rule = {"metric": "risky_share", "window_minutes": 1, "condition": {"kind": "anomaly", "direction": "up"}}
    found = await api.ask("POST", "/api/v1/alerts/backtest", json={"site_id": "shop", "days": 1, "rule": rule})
    assert found.status_code == 200, found.text
    assert [(each["fired"] - now, each["resolved"] - now, each["value"]) for each in found.json()["firings"]] == [
        (-70 * MINUTE_MS, -68 * MINUTE_MS, 0.6)
    ]
    kept = await api.ask("POST", "/api/v1/alerts", json=rule | {"name": "Risk", "site_id": "shop"})
    assert (kept.status_code, kept.json()["metric"]) == (201, "risky_share")


def test_a_site_has_so_many_rules_on_stored_events_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "pulse.db").write_bytes(populated()[0])
    rules = Store(f"sqlite:///{tmp_path / 'pulse.db'}").rules
    definition = Rule.model_validate(RULE).model_dump(mode="json", exclude_none=True)
    values = {"name": "Many", "definition": definition}
    for _ in range(MOST_OF_STORE):
        rules.create("ours", "shop", values, 1)
    with pytest.raises(Conflict, match=f"has {MOST_OF_STORE} rules on visitors"):
        rules.create("ours", "shop", values, 1)
    plain = rules.create("ours", "shop", values | {"definition": definition | {"metric": "events"}}, 1)
    with pytest.raises(Conflict):
        rules.change("ours", None, plain.id, {"definition": definition}, 1)
    assert rules.change("ours", None, plain.id, {"definition": definition | {"metric": "lag"}}, 1).id == plain.id
