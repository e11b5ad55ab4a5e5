"""GET /api/v1/events/{id}/fate over a real ClickHouse: which of the fates, whose, and whether it is the last word."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api.query.fate import EXAMPLE, EventFate, Waiting, told
from clickhouse.client import Client
from clickhouse.fate import Fate, find
from tests.migrated import migrate
from tests.querying import Api, querying, settings_of

NOW = 1_790_000_000_000
HOUR = 3_600_000
UNKNOWN = "0198c0de-0000-7000-8000-00000000ffff"


def v7(ms: int, number: int) -> str:
    """A UUIDv7 made at a time."""
    return str(UUID(int=ms << 80 | 7 << 76 | 2 << 62 | number))


STORED, TWICE, ODD, OTHER = v7(NOW, 1), v7(NOW, 2), v7(NOW + 400 * 24 * HOUR, 3), v7(NOW, 4)
REFUSED, PLAIN = "8C9A5A0E-5A0B-4B8E-9C57-0F2F0E6B1D11", "8c9a5a0e-5a0b-4b8e-9c57-0f2f0e6b1d12"


@pytest.fixture
def client(clickhouse: str) -> Iterator[Client]:
    made = Client(clickhouse)
    migrate(made)
    rows = [(STORED, 0, 1), (TWICE, 0, 2), (TWICE, HOUR, 3), (ODD, 0, 4), (PLAIN, 0, 5)]
    values = ", ".join(
        f"('shop', 'view', fromUnixTimestamp64Milli({NOW}), fromUnixTimestamp64Milli({NOW + later}), '{id}', 'v', 'log', 2, {n << 10 | 1})"
        for id, later, n in rows
    )
    columns = "site_id, event, ts, received_at, event_id, visitor_id, _log, _partition, _place"
    made.command("SYSTEM STOP MERGES events")
    made.command(f"INSERT INTO events ({columns}) SETTINGS optimize_on_insert = 0 VALUES {values}")
    made.command(
        "INSERT INTO events_rejected (site_id, event_id, received_at, reason, field, detail, _stage, _log, _partition, _place)"
        f" VALUES ('shop', '{REFUSED}', fromUnixTimestamp64Milli({NOW}), 'too_old', 'ts', 'older', 'refine', 'log', 1, 1024),"
        f" ('shop', '{STORED}', fromUnixTimestamp64Milli({NOW}), 'unstorable', '', 'no', 'events-202609', 'log', 1, 2048)"
    )
    made.command(
        "INSERT INTO ledger_minute (site_id, minute, received, duplicates)"
        f" SELECT 'shop', toDateTime({NOW} / 1000 + number * 3600), 3, 2 FROM numbers(48)"
    )
    yield made
    made.close()


@pytest.fixture
async def api(tmp_path: Path, client: Client, clickhouse: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse)) as made:
        yield made


async def fate(api: Api, event_id: str, key: str = "reader", **question: Any) -> dict[str, Any]:
    """What is answered."""
    answer = await api.ask("GET", f"/api/v1/events/{event_id}/fate", key, params=question)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    EventFate.model_validate_json(answer.text)
    return found


async def test_a_stored_event_is_told_with_its_place(api: Api) -> None:
    found = await fate(api, PLAIN)
    place = {"log": "log", "partition": 2, "offset": 5, "part": 1}
    assert found["stored"] == [{"event": "view", "ts": NOW, "received_at": NOW, "place": place}]
    assert (found["fate"], found["rejected"], found["settled"], found["waiting"]) == ("stored", [], True, [])
    assert found["repetitions"] == 2 * 24


async def test_an_event_is_found_whenever_it_happened(api: Api) -> None:
    assert (await fate(api, STORED))["fate"] == "stored"
    assert (await fate(api, ODD))["fate"] == "stored"
    assert (await fate(api, PLAIN.upper()))["fate"] == "stored"


async def test_a_refused_event_is_told_with_its_reason_and_by_whom(api: Api) -> None:
    found = await fate(api, REFUSED.lower())
    [row] = found["rejected"]
    assert (found["fate"], found["stored"]) == ("rejected", [])
    assert (row["reason"], row["field"], row["detail"], row["by"]) == ("too_old", "ts", "older", "refine")
    both = await fate(api, STORED)
    assert (both["fate"], [row["by"] for row in both["rejected"]]) == ("stored", ["sink"])


async def test_a_repetition_after_the_window_collapses(api: Api, client: Client) -> None:
    found = await fate(api, TWICE)
    assert (found["fate"], len(found["stored"])) == ("collapsed", 2)
    client.command("SYSTEM START MERGES events")
    client.command("OPTIMIZE TABLE events FINAL")
    assert (await fate(api, TWICE))["fate"] == "stored"


async def test_an_unknown_event_is_not_told_for_lost_while_kafka_is_away(api: Api) -> None:
    found = await fate(api, UNKNOWN)
    assert (found["fate"], found["settled"], found["waiting"]) == ("unknown", None, [])


@pytest.mark.parametrize(("records", "settled"), [(0, True), (3, False)])
def test_unknown_is_the_last_word_once_nothing_is_on_its_way(records: int, settled: bool) -> None:
    waiting = [Waiting(group="pulse-sink", topic="pulse.events", records=records)]
    found = told(UUID(UNKNOWN), "shop", Fate(), waiting, is_asked=True)
    assert (found.settled, "never accepted" in found.detail) == (settled, settled)


async def test_another_sites_event_is_unknown(api: Api) -> None:
    for key, site in (("rival_reader", "rival"), ("admin", "blog")):
        own, none = await fate(api, STORED, key, site_id=site), await fate(api, UNKNOWN, key, site_id=site)
        assert own | {"event_id": ""} == none | {"event_id": ""}
        assert own["fate"] == "unknown"


@pytest.mark.parametrize(
    "event_id", ["x", "1", "0198c0de-0000-7000-8000", "' OR 1=1", "%00", "{id:UUID}", STORED + "0"]
)
async def test_a_malformed_id_is_a_problem(api: Api, event_id: str) -> None:
    answer = await api.ask("GET", f"/api/v1/events/{event_id}/fate", "reader")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["parameter"] == "event_id"


async def test_the_answer_has_the_form_that_is_described(api: Api) -> None:
    schema = (await api.ask("GET", "/openapi.json", None)).json()
    described = schema["paths"]["/api/v1/events/{event_id}/fate"]["get"]
    assert described["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/EventFate")
    assert schema["components"]["schemas"]["EventFate"]["example"] == EXAMPLE
    EventFate.model_validate(EXAMPLE)
    assert set(await fate(api, STORED)) == set(EXAMPLE)


def test_a_v7_is_looked_for_around_its_time_alone(client: Client) -> None:
    client.command(
        "INSERT INTO events (site_id, event, ts, event_id)"
        " SELECT 'shop', 'view', toDateTime64('2026-01-01 00:00:00', 3) + toIntervalDay(number % 200), generateUUIDv4()"
        " FROM numbers(400000)"
    )
    assert find(client, "shop", UUID(STORED), HOUR).outcome == "stored"
    asked = {"site": "shop", "id": STORED}
    near = client.query("fate/stored", asked | {"start": NOW - 24 * HOUR, "end": NOW + 24 * HOUR})
    everywhere = client.query("fate/stored", asked | {"start": 0, "end": 4_102_444_800_000})
    assert near.rows == everywhere.rows
    assert near.rows_read < 50_000 < 400_000 <= everywhere.rows_read
