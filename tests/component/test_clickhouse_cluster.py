"""A cluster of two shards: what a server can do without Keeper, which keeps replicas and ON CLUSTER, is done for real.

The tables are those of the migrations but for these two words, which only the parser sees.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from api.control.tried import Tried
from api.delivery import mirror
from clickhouse import claims, lean
from clickhouse.client import Client
from clickhouse.cluster import shard_database, steps
from clickhouse.migrate import migrations
from clickhouse.reports import cohort_people
from clickhouse.reports.cohort import Cohort, Listed
from deploy.local import clickhouse_server, port
from pulse.analyst.rule import analytics_of
from tests import services
from tests.eventually import eventually
from tests.exact import Store, assert_exact
from tests.services import Process, Service
from tests.storing import PARTITIONS, Log, Sink, events

CLUSTER = "two"
EVERY = [statement for migration in migrations() for statement in migration.statements]


def _configuration(native_ports: list[int]) -> str:
    shards = "".join(
        f"<shard><replica><host>127.0.0.1</host><port>{at}</port></replica></shard>" for at in native_ports
    )
    return f"<clickhouse><remote_servers><{CLUSTER}>{shards}</{CLUSTER}></remote_servers></clickhouse>"


def _server(folder: Path, http: int, native: int) -> Service:
    return Process(f"http://127.0.0.1:{http}", lambda: clickhouse_server.start(folder, http, native))


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Service]]:
    """Two servers that know each other as the shards of a cluster."""
    native = [port.free(), port.free()]
    made: list[Service] = []
    for at in native:
        folder = tmp_path_factory.mktemp("shard")
        (folder / "config.d").mkdir()
        (folder / "config.d" / "cluster.xml").write_text(_configuration(native))
        made.append(_server(folder, port.free(), at))
    for each in made:
        each.start()
    yield made
    for each in made:
        each.kill()


@pytest.fixture(scope="module")
def tables(shards: list[Service]) -> list[Client]:
    """The tables on both of them."""
    clients = [Client(f"{each.url}/pulse") for each in shards]
    for database in ("pulse", shard_database("pulse"), analytics_of("pulse")):
        for client in clients:
            client.within(None).command("CREATE DATABASE {database:Identifier}", {"database": database})
    for statement in EVERY:
        for step in steps(statement, CLUSTER, "pulse"):
            for client in clients:
                own = client.within(shard_database("pulse")) if step.is_local else client
                own.command(_without_keeper(step.statement), {"analytics": analytics_of("pulse")})
    return clients


def _without_keeper(statement: str) -> str:
    plain = statement.replace(f" ON CLUSTER {CLUSTER}", "").replace("ENGINE = Replicated", "ENGINE = ")
    return plain.replace(" replicated_ded", " non_replicated_ded")


@pytest.mark.parametrize("statement", EVERY)
def test_the_parser_takes_what_a_migration_becomes(clickhouse: str, statement: str) -> None:
    for step in steps(statement, CLUSTER, "pulse"):
        taken = str(Client(clickhouse).command("SELECT formatQuery({text:String})", {"text": step.statement}))
        assert f"ON CLUSTER {CLUSTER}" in taken or "FROM pulse.events" in taken


def test_all_servers_are_asked_what_makes_storing_cheaper(tables: list[Client]) -> None:
    assert lean.known_of(tables[0], CLUSTER) == set(lean.SETTINGS)


def test_what_is_said_over_http_is_kept_on_either_shard_and_the_last_word_counts(tables: list[Client]) -> None:
    visitors = [f"v{n}" for n in range(200)]
    cohort = Cohort("shop", "visitors", Listed("list"))
    cohort_people.put(tables[0], "shop", "list", visitors, listed=True, now=1_000)
    cohort_people.put(tables[1], "shop", "list", visitors[:50], listed=False, now=2_000)
    for client in tables:
        assert cohort_people.members(client, cohort, {}, 3_000, "", 1_000) == sorted(visitors[50:])
    for n, visitor in enumerate(visitors[:20]):
        claims.correct(tables[n % 2], "shop", visitor, "ada", unlinked=True, now=1_000)
        claims.correct(tables[0], "shop", visitor, "ada", unlinked=False, now=2_000)
    tried = [Tried("shop", n, f"d{n}", 1, "e", f"n{n}", "k", "delivered", 200, 5, "") for n in range(1, 21)]
    for client in tables:
        client.insert("webhook_deliveries", mirror.rows_of(tried))
    for table, rows in (("cohort_members", len(visitors)), ("identity_corrections", 20), ("webhook_deliveries", 20)):
        own = [int(_of_shard_at(client).command(f"SELECT count() FROM {table} FINAL")) for client in tables]  # type: ignore[call-overload]
        assert sum(own) == rows
        assert min(own) > 0


@pytest.fixture
def sink(tables: list[Client], shards: list[Service], tmp_path: Path) -> Iterator[Sink]:
    """A sink over a broker of its own, that writes to both shards."""
    broker = services.embedded_kafka(tmp_path / "broker")
    broker.start()
    urls = [f"{each.url}/pulse" for each in shards]
    settings = {"PULSE_CLICKHOUSE_CLUSTER": CLUSTER, "PULSE_CLICKHOUSE_SHARDS": ",".join(urls)}
    sink = Sink(tmp_path, broker.url, urls[0], settings)
    eventually(sink._create_topics, within=30)
    yield sink
    if sink.running:
        sink.kill()
    broker.kill()


def _has_more(store: Store, than: int) -> bool:
    return store.distinct() > than


def _of_shard_at(client: Client) -> Client:
    return client.within(shard_database("pulse"))


def _of_shard(service: Service) -> Store:
    return Store(f"{service.url}/{shard_database('pulse')}")


def test_each_partition_is_stored_on_its_shard_once_whatever_dies(sink: Sink, shards: list[Service]) -> None:
    log, whole = Log(sink.kafka), sink.store
    ids: list[str] = []
    for seed in range(3):
        sink.start()
        before = len(ids)
        ids += log.write(events(seed, 2_000), size=25)
        eventually(partial(_has_more, whole, before), within=60, every=0.01)
        sink.kill()
    shards[1].kill()
    sink.start()
    ids += log.write(events(3, 2_000), size=25)
    eventually(lambda: "ClickHouse does not answer" in sink.log, within=60)
    shards[1].start()
    eventually(lambda: whole.distinct() == len(ids), within=60)
    eventually(lambda: whole.differing_minutes() == 0, within=60)
    assert_exact(whole, ids)
    for number, shard in enumerate(shards):
        found = {int(row[0]) for row in _of_shard(shard).rows("SELECT DISTINCT _partition FROM events")}
        assert found == {partition for partition in range(PARTITIONS) if partition % 2 == number}
    assert sum(_of_shard(shard).events() for shard in shards) == len(ids)
    analysts = Store(f"http://{urlsplit(whole.base).netloc}/{analytics_of('pulse')}")
    assert analysts.number("SELECT count() FROM events") == len(ids)
    assert analysts.number("SELECT sum(events) FROM metrics_minute") == len(ids)
