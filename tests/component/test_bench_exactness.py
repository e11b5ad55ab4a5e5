"""The bench's queries, on ClickHouse: counters found back from ids, and compared block by block."""

from pathlib import Path
from time import time
from typing import Any

import httpx
import numpy as np
import pytest

from bench.exactness import prove
from bench.load.answers import ACCEPTED, SENT
from bench.load.ids import STREAM_BITS, event_id
from bench.probe import SEEN
from bench.sink import spent
from clickhouse.client import Client
from tests.migrated import migrate

SIZE = 10
STREAM = 7
PROBE = "probe"


@pytest.fixture
def store(clickhouse: str) -> str:
    migrate(Client(clickhouse))
    return clickhouse


def ask(url: str, sql: str, **parameters: Any) -> list[list[Any]]:
    base, database = url.rsplit("/", 1)
    form = {"database": database, "default_format": "JSONCompact", "output_format_json_quote_64bit_integers": "0"}
    given = {f"param_{name}": str(value) for name, value in parameters.items()}
    answer = httpx.post(base, params=form | given, content=sql, timeout=30)
    assert answer.status_code == 200, answer.text
    rows: list[list[Any]] = answer.json()["data"] if answer.text else []
    return rows


def store_ids(url: str, counters: list[int], site: str = "main") -> None:
    rows = ",".join(f"('{site}','e',now(),'{event_id((STREAM << STREAM_BITS) + n)}')" for n in counters)
    ask(url, f"INSERT INTO events (site_id, event, ts, event_id) VALUES {rows}")


def answered(tmp_path: Path, *states: int) -> Path:
    file = tmp_path / "answers.npz"
    np.savez(file, states=np.array(states, np.uint8))
    return file


def test_what_is_stored_is_compared_with_what_was_answered(store: str, tmp_path: Path) -> None:
    store_ids(store, list(range(30)))
    store_ids(store, [5], site=PROBE)
    proof = prove(
        lambda sql, **given: ask(store, sql, **given), answered(tmp_path, *[ACCEPTED] * 3), SIZE, STREAM, PROBE
    )
    assert proof.is_exact
    assert (proof.accepted, proof.stored) == (30, 30)


def test_missing_double_and_foreign_events_are_found(store: str, tmp_path: Path) -> None:
    store_ids(store, [*range(1, 10), *range(20, 30), 200_500])
    ask(store, "SYSTEM STOP MERGES")
    store_ids(store, [25])
    file = answered(tmp_path, ACCEPTED, SENT, ACCEPTED)
    proof = prove(lambda sql, **given: ask(store, sql, **given), file, SIZE, STREAM, PROBE)
    assert (proof.missing, proof.doubled, proof.foreign, proof.doubted) == (1, 1, 1, 0)
    ask(store, "SYSTEM START MERGES")


def test_other_loads_do_not_count(store: str, tmp_path: Path) -> None:
    store_ids(store, list(range(10)))
    proof = prove(lambda sql, **given: ask(store, sql, **given), answered(tmp_path), SIZE, STREAM + 1, PROBE)
    assert (proof.accepted, proof.stored) == (0, 0)


def test_a_random_id_that_looks_like_one_of_the_load_by_one_half_does_not_count(store: str, tmp_path: Path) -> None:
    store_ids(store, list(range(10)))
    alike = event_id((STREAM << STREAM_BITS) + 3)[:-4] + "0000"
    ask(store, f"INSERT INTO events (site_id, event, ts, event_id) VALUES ('main','e',now(),'{alike}')")
    proof = prove(lambda sql, **given: ask(store, sql, **given), answered(tmp_path, ACCEPTED), SIZE, STREAM, PROBE)
    assert (proof.is_exact, proof.stored) == (True, 10)


def test_a_probe_finds_its_own(store: str) -> None:
    store_ids(store, [1, 2], site=PROBE)
    found = ask(store, SEEN, site=PROBE, name="e")
    assert {row[0] for row in found} == {event_id((STREAM << STREAM_BITS) + n) for n in (1, 2)}
    assert ask(store, SEEN, site=PROBE, name="other") == []


def test_what_clickhouse_spends_is_told_by_table(store: str) -> None:
    began, client = time(), Client(store)
    store_ids(store, [1, 2])
    client.query("stored/events")
    told = list(spent(client, began))
    assert [line.split(": ")[0] for line in told] == ["insert events", "select events"]
    assert all(line.endswith("1 times") for line in told)
