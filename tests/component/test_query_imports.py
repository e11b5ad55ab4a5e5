"""An import that is done, told over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import json

from pulse.settings import Settings
from pulse.topics import ALERTS, partition_of
from streams.broker import Broker
from streams.topics import create
from tests.eventually import eventually
from tests.querying import Api, querying, settings_of
from tests.storing import delete_topics

IMPORTS = "/api/v1/imports"
DONE: dict[str, Any] = {"id": "run-1", "files": ["/srv/logs/old.ndjson"], "accepted": 3, "refused": 1, "seconds": 0.5}
PARTITIONS = 3


@pytest.fixture
async def api(tmp_path: Path, kafka: str) -> AsyncIterator[Api]:
    async with querying(settings_of(tmp_path, kafka_url=kafka)) as made:
        yield made


async def test_it_is_told_in_the_log_where_its_site_is(api: Api, kafka: str) -> None:
    delete_topics(kafka)
    eventually(lambda: create(Settings(kafka_url=kafka, partitions=PARTITIONS)))
    wanted = {"name": "importer", "site_id": "shop", "scopes": ["events:import", "stats:read"]}
    headers = {"x-api-key": (await api.ask("POST", "/api/v1/keys", json=wanted)).json()["key"]}
    answers = [await api.http.post(IMPORTS, json=DONE, headers=headers) for _ in range(2)]

    assert [each.status_code for each in answers] == [202, 202], answers[0].text
    partition = partition_of("shop", "", PARTITIONS)
    told = [json.decode(each.value() or b"") for each in Broker(kafka).read((ALERTS, partition), 0)]
    assert {each["id"] for each in told} == {answers[0].json()["id"]}
    assert (told[0]["kind"], told[0]["site_id"]) == ("import.done", "shop")
    assert told[0]["data"]["files"] == ["old.ndjson"]
    assert (told[0]["data"]["accepted"], told[0]["data"]["refused"], told[0]["data"]["seconds"]) == (3, 1, 0.5)


async def test_who_may_not_both_read_and_send_tells_of_none(api: Api) -> None:
    for key, status in (("reader", 403), ("writer", 403), ("page", 403), (None, 401), ("admin", 400)):
        assert (await api.ask("POST", IMPORTS, key, json=DONE)).status_code == status, key
    for key in ("admin", "shop_admin"):
        assert (await api.ask("POST", IMPORTS, key, json=DONE | {"site_id": "rival"})).status_code == 404, key


async def test_what_is_no_import_is_refused_by_the_field(api: Api) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"files": []}, "files"),
        ({"files": ["a\n"]}, "files.0"),
        ({"files": ["/"]}, "files.0"),
        ({"accepted": -1}, "accepted"),
        ({"accepted": True}, "accepted"),
        ({"refused": 0.5}, "refused"),
        ({"seconds": -1}, "seconds"),
        ({"seconds": "NaN"}, "seconds"),
        ({"rows": 1}, "rows"),
    ]
    for more, parameter in wrong:
        answer = await api.ask("POST", IMPORTS, "shop_admin", json=DONE | more)
        assert answer.status_code == 400, more
        assert [each["parameter"] for each in answer.json()["errors"]] == [parameter], more


async def test_while_kafka_is_away_it_says_so(tmp_path: Path) -> None:
    async with querying(settings_of(tmp_path)) as away:
        away.parts.publisher.stop()
        answer = await away.ask("POST", IMPORTS, "shop_admin", json=DONE)
    assert answer.status_code == 503
