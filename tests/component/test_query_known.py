"""What is known of people is asked for all sites together."""

import asyncio
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from api.query.known import KEPT_S, RENEWED_S, People
from clickhouse.client import Client
from tests.migrated import migrate

SITES = ("shop", "rival", "blog")
SECONDS = 5.0
ASKED = """
SELECT count()
FROM system.query_log
WHERE type = 'QueryFinish' AND current_database = currentDatabase() AND query LIKE '%dictGetOrDefault(%' AND query NOT LIKE '%query_log%'
"""


@pytest.fixture
def client(clickhouse_url: str) -> Iterator[Client]:
    name = f"test_{uuid4().hex[:12]}"
    outside = Client(clickhouse_url, "default")
    outside.command(f"CREATE DATABASE {name}")
    made = Client(f"{clickhouse_url}/{name}")
    migrate(made)
    yield made
    made.close()
    outside.command(f"DROP DATABASE {name} SYNC")
    outside.close()


def asked(client: Client) -> int:
    client.command("SYSTEM FLUSH LOGS query_log")
    [[found]] = client.ask(ASKED).rows
    return int(found)


async def test_sites_that_are_asked_for_all_the_time_are_asked_about_together(client: Client) -> None:
    people, before, ends = People(client), asked(client), time.monotonic() + SECONDS
    while time.monotonic() < ends:
        found = [await people.of(site) for site in SITES]
        assert {(each.people, each.state) for each in found} == {("", "")}
        await asyncio.sleep(0.05)
    at_once = len(SITES) + 1  # each when it is first asked for, and once more where the dictionary was read
    assert KEPT_S > RENEWED_S
    assert asked(client) - before <= at_once + SECONDS / RENEWED_S + 1
