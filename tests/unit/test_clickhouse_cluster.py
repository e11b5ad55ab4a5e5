"""What statements become on a cluster, and which server a partition is stored on."""

import pytest

from clickhouse.client import Client
from clickhouse.cluster import Step, shards_of, steps
from clickhouse.migrate import migrations
from clickhouse.sink.shards import Shards
from pulse.errors import SettingError
from pulse.settings import Settings

EVERY = [statement for migration in migrations() for statement in migration.statements]
TABLE = """-- What it holds.
CREATE TABLE IF NOT EXISTS things (n UInt64)
ENGINE = ReplacingMergeTree
ORDER BY n
SETTINGS non_replicated_deduplication_window = 1000"""


def test_without_a_cluster_nothing_changes() -> None:
    assert [steps(statement, "", "pulse") for statement in EVERY] == [[Step(each, False)] for each in EVERY]


def test_a_table_is_replicated_in_its_shard_and_read_as_a_whole() -> None:
    local, whole = steps(TABLE, "c", "pulse")
    assert local == Step(
        """-- What it holds.
CREATE TABLE IF NOT EXISTS things ON CLUSTER c (n UInt64)
ENGINE = ReplicatedReplacingMergeTree
ORDER BY n
SETTINGS replicated_deduplication_window = 1000""",
        True,
    )
    assert whole == Step(
        "CREATE TABLE IF NOT EXISTS things ON CLUSTER c AS pulse_shard.things\nENGINE = Distributed(c, pulse_shard, things)",
        False,
    )


def test_what_is_written_as_a_whole_is_shared_out_by_what_tells_its_rows_apart() -> None:
    _, whole = steps(
        "CREATE TABLE IF NOT EXISTS cohort_members (who String)\nENGINE = MergeTree\nORDER BY who", "c", "pulse"
    )
    assert whole.statement.endswith(
        "ENGINE = Distributed(c, pulse_shard, cohort_members, sipHash64(site_id, cohort, who))"
    )


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "CREATE DATABASE IF NOT EXISTS {a:Identifier}",
            [("CREATE DATABASE IF NOT EXISTS {a:Identifier} ON CLUSTER c", False)],
        ),
        (
            "CREATE OR REPLACE VIEW {a:Identifier}.v AS SELECT 1",
            [("CREATE OR REPLACE VIEW {a:Identifier}.v ON CLUSTER c AS SELECT 1", False)],
        ),
        (
            "CREATE MATERIALIZED VIEW IF NOT EXISTS m TO things AS SELECT n FROM events",
            [("CREATE MATERIALIZED VIEW IF NOT EXISTS m ON CLUSTER c TO things AS SELECT n FROM events", True)],
        ),
        (
            "-- Why.\nINSERT INTO things (n)\nSELECT n\nFROM events",
            [("-- Why.\nINSERT INTO things (n)\nSELECT n\nFROM pulse.events", True)],
        ),
        (
            "INSERT INTO things (n) SELECT n FROM events WHERE n GLOBAL NOT IN (SELECT n FROM things)",
            [
                (
                    "INSERT INTO things (n) SELECT n FROM pulse.events WHERE n GLOBAL NOT IN (SELECT n FROM pulse.things)",
                    True,
                )
            ],
        ),
        (
            "ALTER TABLE things ADD COLUMN IF NOT EXISTS m UInt8",
            [
                ("ALTER TABLE things ON CLUSTER c ADD COLUMN IF NOT EXISTS m UInt8", True),
                (
                    "CREATE OR REPLACE TABLE things ON CLUSTER c AS pulse_shard.things\nENGINE = Distributed(c, pulse_shard, things)",
                    False,
                ),
            ],
        ),
        (
            "DROP TABLE IF EXISTS things",
            [
                ("DROP TABLE IF EXISTS things ON CLUSTER c SYNC", False),
                ("DROP TABLE IF EXISTS things ON CLUSTER c", True),
            ],
        ),
    ],
)
def test_every_other_statement(statement: str, expected: list[tuple[str, bool]]) -> None:
    assert [tuple(step) for step in steps(statement, "c", "pulse")] == expected


@pytest.mark.parametrize("statement", ["INSERT INTO things SELECT 1", "RENAME TABLE a TO b"])
def test_what_cannot_be_done_on_a_cluster_is_said(statement: str) -> None:
    with pytest.raises(ValueError, match="on a cluster"):
        steps(statement, "c", "pulse")


@pytest.mark.parametrize("statement", EVERY)
def test_every_migration_is_for_the_whole_cluster(statement: str) -> None:
    made = steps(statement, "c", "pulse")
    assert all(" ON CLUSTER c" in step.statement or "FROM pulse.events" in step.statement for step in made)
    assert not any(" ENGINE = MergeTree" in step.statement for step in made)


def test_cluster_and_shards_go_together() -> None:
    assert shards_of(Settings(clickhouse_url="http://a/p")) == ["http://a/p"]
    several = Settings(clickhouse_cluster="c", clickhouse_shards="http://a/p, http://b/p")
    assert shards_of(several) == ["http://a/p", "http://b/p"]
    for half in (Settings(clickhouse_cluster="c"), Settings(clickhouse_shards="http://a/p")):
        with pytest.raises(SettingError, match="go together"):
            shards_of(half)
    with pytest.raises(SettingError, match="is no name"):
        shards_of(Settings(clickhouse_cluster="c; DROP", clickhouse_shards="http://a/p"))


def test_the_shard_follows_from_the_partition_alone() -> None:
    shards = Shards([Client(f"http://{name}/p") for name in "abc"], 1)
    assert [shards.number_of(partition) for partition in range(7)] == [0, 1, 2, 0, 1, 2, 0]
