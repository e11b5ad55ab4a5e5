"""GET /api/v1/events/recent over a real ClickHouse: the latest first, page by page."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clickhouse.client import Client
from tests.migrated import migrate
from tests.querying import Api, Row, fill, querying, settings_of


@pytest.fixture
def client(clickhouse: str) -> Iterator[Client]:
    made = Client(clickhouse)
    migrate(made)
    yield made
    made.close()


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse)) as made:
        yield made


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Api]:
    """An API without a ClickHouse: what is refused is refused before it is asked."""
    async with querying(settings_of(tmp_path)) as made:
        yield made


async def test_the_latest_events_come_in_pages_and_none_of_another_site(api: Api, client: Client) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000) - 500_000
    sent = [Row("shop" if number % 3 else "rival", f"e{number}", now + number // 4) for number in range(60)]
    fill(client, sent)
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.ask("GET", "/api/v1/events/recent", "reader", params={"limit": 7, **cursor})).json()
        found += page["data"]
        if page["next_cursor"] is None:
            break
        assert len(page["data"]) == 7
        cursor = {"cursor": page["next_cursor"]}

    assert sorted(event["event"] for event in found) == sorted(row.event for row in sent if row.site_id == "shop")
    assert [event["received_at"] for event in found] == sorted((event["received_at"] for event in found), reverse=True)
    assert len({event["event_id"] for event in found}) == len(found)


async def test_properties_stored_too_deeply_nested_are_told_as_their_text(api: Api, client: Client) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000)
    fill(client, [Row("shop", name, now) for name in ("deep", "deepest", "flat")])
    texts = {"deep": nested(300), "deepest": nested(100_000), "flat": '{"a":[1,{"b":"[[["}]}'}
    for name, text in texts.items():
        client.command(
            "INSERT INTO events (site_id, event, ts, received_at, event_id, properties)"
            f" VALUES ('shop', '{name} too', now64(3), now64(3), generateUUIDv4(), '{text}')"
        )
    answer = await api.ask("GET", "/api/v1/events/recent", "reader")

    assert answer.status_code == 200
    found = {event["event"]: event["properties"] for event in answer.json()["data"]}
    assert found["deep too"] == texts["deep"]
    assert found["deepest too"] == texts["deepest"]
    assert found["flat too"] == {"a": [1, {"b": "[[["}]}
    assert found["flat"] == {}


def nested(levels: int) -> str:
    """Properties of so many levels, as they are stored."""
    return '{"p":' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


async def test_a_cursor_of_ones_own_is_refused(bare: Api) -> None:
    for cursor in ("x", "!!", "'", "AAAA", "é", "a2V5Xw==", "OTk5OTk5OTk5OTk5OTk5OTk5OTk6MA=="):
        answer = await bare.ask("GET", "/api/v1/events/recent", "reader", params={"cursor": cursor})

        assert answer.status_code == 400, cursor
        assert answer.json()["errors"][0]["parameter"] == "cursor"
