"""The parameters of GET /api/v1/stats: what is taken, and what is refused in which words."""

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.querying import Api, querying, settings_of

RANGE = {"start_date": "2026-03-07", "end_date": "2026-03-09"}


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Api]:
    """An API without a ClickHouse: what is refused is refused before it is asked."""
    async with querying(settings_of(tmp_path)) as made:
        yield made


INVALID: dict[str, tuple[Any, ...]] = {
    "metric": ("", "revenues", "EVENT_COUNT"),
    "site_id": ("x" * 65, "a\nb"),
    "period": ("", "0d", "7", "d", "7y", "1.5d", "99999d", "-1d"),
    "start_date": ("", "yesterday", "-5", "1e12", "2026-13-01", "x" * 65, "99999999999999999999"),
    "end_date": ("", "0", "2026-02-30", "1"),
    "group_by": ("", "month", "properties"),
    "event": ("x" * 201, ["x"] * 101),
    "country": ("AUT", "A", "1!", "AT\n"),
    "device_type": ("x" * 201,),
    "currency": ("", "eur", "EURO", "EUR\n"),
    "cohort": ("x" * 65, "a\nb", "cohort_none"),
    "target_event": ("", "x" * 201, "purchase"),
    "timezone": ("", "Mars/Olympus", "../etc/passwd", "utc+1", "localtime"),
    "bots": ("", "yes", "only"),
    "traffic": ("", "some", "high"),
}
VALID: dict[str, tuple[Any, ...]] = {
    "metric": (
        *("event_count", "event_count_by_type", "unique_users", "unique_sessions", "revenue"),
        *("avg_session_duration", "bounce_rate"),
    ),
    "site_id": ("shop",),
    "period": ("1m", "24h", "30d", "12w", "9999d"),
    "start_date": ("0", "2026-03-01", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00+05:30"),
    "end_date": ("2026-03-11", "1790000000000"),
    "group_by": ("hour", "day", "week", "country", "device_type", "event"),
    "event": ("x" * 200, ["a", "b"]),
    "country": ("AT", "at", "", ["AT", "US"]),
    "device_type": ("", "mobile"),
    "currency": ("EUR",),
    "cohort": (),
    "target_event": (),
    "timezone": ("UTC", "America/Argentina/Buenos_Aires"),
    "bots": ("include", "exclude"),
    "traffic": ("all", "clean", "risky"),
}


async def test_every_parameter_is_taken_and_refused_as_described(bare: Api) -> None:
    schema = (await bare.ask("GET", "/openapi.json", None)).json()
    described = {each["name"]: each for each in schema["paths"]["/api/v1/stats"]["get"]["parameters"]}
    assert set(described) == set(INVALID) == set(VALID)

    for name, texts in INVALID.items():
        assert described[name]["description"], name
        for text in texts:
            answer = await bare.stats(**({"metric": "event_count", "start_date": "2"} | {name: text}))
            assert answer.status_code == 400, (name, text)
            assert {name} <= {error["parameter"].partition(".")[0] for error in answer.json()["errors"]}, (name, text)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("country", "Austria", "is not a two-letter country code"),
        ("currency", "euro", "is not a three-letter currency code such as EUR"),
        ("period", "soon", "is not a number of minutes, hours, days or weeks such as 30m, 24h, 7d or 4w"),
    ],
)
async def test_what_is_refused_is_told_in_words(bare: Api, name: str, text: str, said: str) -> None:
    answer = await bare.stats(**{"metric": "event_count", name: text})
    assert answer.status_code == 400
    assert [error["reason"] for error in answer.json()["errors"]] == [said]


async def test_every_valid_value_is_asked_of_the_store(bare: Api) -> None:
    for name, texts in VALID.items():
        for text in texts:
            answer = await bare.stats(
                **({"metric": "event_count"} | ({} if name == "period" else RANGE) | {name: text})
            )
            assert answer.status_code == 503, (name, text, answer.text)
            assert answer.headers["retry-after"]


@pytest.mark.parametrize(
    ("question", "parameter"),
    [
        ({}, "metric"),
        ({"metric": "event_count", "colour": "red"}, "colour"),
        ({"metric": "event_count", "period": "1d", "start_date": "1"}, "period"),
        ({"metric": "event_count", "end_date": "1"}, "start_date"),
        ({"metric": "event_count", "group_by": "minute", "period": "30d"}, "group_by"),
        ({"metric": "event_count_by_type", "group_by": "day"}, "group_by"),
        ({"metric": "conversion_rate"}, "target_event"),
        ({"metric": "bounce_rate", "target_event": "purchase"}, "target_event"),
    ],
)
async def test_what_contradicts_itself_is_named(bare: Api, question: dict[str, str], parameter: str) -> None:
    answer = await bare.stats(**question)

    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


async def test_a_store_without_tables_is_not_ready(tmp_path: Path, clickhouse: str) -> None:
    async with querying(settings_of(tmp_path, clickhouse_url=clickhouse)) as api:
        answer = await api.stats(metric="event_count")

    assert answer.status_code == 503


async def test_a_bad_limit_is_refused_everywhere(bare: Api) -> None:
    lists = ("/api/v1/events/recent", "/api/v1/sites", "/api/v1/keys", "/api/v1/settings/keys")
    for path, limit in product(lists, ("0", "-1", "201", "x", "1.5", "")):
        answer = await bare.ask("GET", path, "admin", params={"limit": limit, "site_id": "shop"})

        assert answer.status_code == 400, path
        assert answer.json()["errors"][0]["parameter"] == "limit"
