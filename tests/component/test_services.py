"""The backing services that run as processes of this machine: they start, answer, keep what they should, and stop."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from deploy.local import apache_kafka, cache, clickhouse_server, port, tansu, valkey
from deploy.local import process as processes
from deploy.local.process import Running
from pulse.errors import PulseError
from tests import services
from tests.eventually import eventually
from tests.services import Service

ROOT = Path(__file__).parents[2]


@pytest.fixture
def stopping() -> Iterator[list[Running]]:
    """What is put in here is ended after the test."""
    started: list[Running] = []
    yield started
    for running in started:
        running.kill()


@pytest.fixture
def own_clickhouse(tmp_path: Path) -> Iterator[Service]:
    """A ClickHouse of the test's own, to be killed."""
    yield from _running(services.clickhouse(tmp_path))


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Service]:
    """An Apache Kafka of the test's own, to be killed."""
    yield from _running(services.kafka(tmp_path))


def _running(service: Service) -> Iterator[Service]:
    service.start()
    yield service
    service.kill()


def test_clickhouse_gives_each_test_a_database_of_its_own(clickhouse: str) -> None:
    base, _, database = clickhouse.rpartition("/")
    assert _query(base, "SELECT name FROM system.databases WHERE name = {name:String}", param_name=database) == database


def test_clickhouse_mutates_and_merges_in_its_small_pools(clickhouse: str) -> None:
    _query(clickhouse, "CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n")
    for start in (0, 10, 20):
        _query(
            clickhouse, "INSERT INTO numbers SELECT number + {start:UInt64} FROM numbers(10)", param_start=str(start)
        )
    _query(clickhouse, "ALTER TABLE numbers DELETE WHERE n < 5 SETTINGS mutations_sync = 2")
    _query(clickhouse, "OPTIMIZE TABLE numbers FINAL")
    assert _query(clickhouse, "SELECT count(), uniqExact(_part) FROM numbers") == "25\t1"


def test_clickhouse_keeps_its_rows_over_kill_9(own_clickhouse: Service) -> None:
    _query(own_clickhouse.url, "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
    for _ in range(3):
        _query(own_clickhouse.url, "INSERT INTO t SELECT number FROM numbers(1000)")
        own_clickhouse.kill()
        own_clickhouse.start()
    assert _query(own_clickhouse.url, "SELECT count() FROM t") == "3000"


def test_clickhouse_ends_cleanly_when_asked(tmp_path: Path, stopping: list[Running]) -> None:
    running = clickhouse_server.start(tmp_path, port.free(), port.free())
    stopping.append(running)
    running.stop()
    assert running.process.returncode == 0


@pytest.mark.parametrize("password", [None, "opens"])
def test_clickhouse_ends_cleanly_when_asked_before_it_is_there(
    tmp_path: Path, stopping: list[Running], password: str | None
) -> None:
    before = clickhouse_server.start(tmp_path, port.free(), port.free(), password)
    stopping.append(before)
    before.stop()
    pipe = tmp_path / "ending.pipe"
    pipe.unlink()
    running = processes.spawn("ClickHouse", before.process.args, before.log, cwd=ROOT)  # type: ignore[arg-type]
    stopping.append(running)
    eventually(pipe.exists)
    running.process.terminate()
    assert running.process.wait(60) == 0


def test_clickhouse_lets_in_only_who_knows_the_password(tmp_path: Path, stopping: list[Running]) -> None:
    at, native = port.free(), port.free()
    stopping.append(clickhouse_server.start(tmp_path / "o'pen", at, native, "opens"))

    def asked(query: str, *login: str) -> httpx.Response:
        headers = {"Origin": "https://elsewhere.example", "Content-Type": "text/plain"}
        answer = httpx.post(f"http://127.0.0.1:{at}/", content=query, headers=headers, auth=login or None)  # type: ignore[arg-type]
        assert "Access-Control-Allow-Origin" not in answer.headers
        return answer

    known = ("pulse", "opens")
    for login in ((), ("default", ""), ("pulse", ""), ("pulse", "wrong")):
        assert asked("CREATE DATABASE theirs", *login).is_error, login
    assert asked("SELECT currentUser()", *known).text == "pulse\n"
    assert asked("SELECT count() FROM system.databases WHERE name = 'theirs'", *known).text == "0\n"
    assert asked("CREATE DATABASE ours", *known).is_success
    assert (
        "ACCESS_DENIED"
        in asked(f"SELECT * FROM remote('127.0.0.1:{native}', 'system.one', 'default', '')", *known).text
    )
    assert asked("SELECT * FROM file('/etc/passwd', 'LineAsString')", *known).is_error
    for file in ("/etc/passwd", "users.xml", str(tmp_path / "o\\'pen" / "users.xml")):
        assert asked(f"SELECT file('{file}')", *known).is_error
    assert asked("BACKUP DATABASE ours TO Disk('backups', 'first')", *known).is_success


def test_clickhouse_lets_nobody_in_over_its_native_protocol_either(tmp_path: Path, stopping: list[Running]) -> None:
    closed, through = port.free(), port.free()
    stopping.append(clickhouse_server.start(tmp_path / "closed", port.free(), closed, "opens"))
    stopping.append(clickhouse_server.start(tmp_path / "open", through, port.free()))

    def asked(user: str, password: str) -> httpx.Response:
        query = f"SELECT * FROM remote('127.0.0.1:{closed}', 'system.one', '{user}', '{password}')"
        return httpx.post(f"http://127.0.0.1:{through}/", content=query, timeout=30)

    assert asked("pulse", "opens").text == "0\n"
    assert asked("default", "").is_error
    assert asked("pulse", "wrong").is_error


def test_two_clickhouses_cannot_share_a_folder(tmp_path: Path, stopping: list[Running]) -> None:
    stopping.append(clickhouse_server.start(tmp_path, port.free(), port.free()))
    with pytest.raises(PulseError, match=r"ClickHouse ended while starting[\s\S]*Cannot lock file"):
        clickhouse_server.start(tmp_path, port.free(), port.free())


@pytest.mark.parametrize("broker", ["kafka", pytest.param("apache_kafka", marks=pytest.mark.native)])
def test_brokers_take_and_give_records(broker: str, request: pytest.FixtureRequest) -> None:
    bootstrap = request.getfixturevalue(broker)
    _create(bootstrap, "records")
    _produce(bootstrap, "records", 100)
    assert _count(bootstrap, "records", 100) == 100


@pytest.mark.native
def test_apache_kafka_keeps_records_over_kill_9(own_kafka: Service) -> None:
    _create(own_kafka.url, "kept")
    for total in (500, 1000):
        _produce(own_kafka.url, "kept", 500)
        own_kafka.kill()
        own_kafka.start()
        assert _count(own_kafka.url, "kept", total) == total


@pytest.mark.native
def test_apache_kafka_runs_as_three_nodes_and_survives_the_loss_of_one(tmp_path: Path, stopping: list[Running]) -> None:
    jars = apache_kafka.install(cache.folder())
    voters = {node: port.free() for node in (1, 2, 3)}
    at = {node: port.free() for node in voters}
    for node, controller in voters.items():
        folder = tmp_path / str(node)
        stopping.append(
            apache_kafka.launch(folder, at[node], controller, node=node, voters=voters, jars=jars, heap="256m")
        )
    bootstrap = ",".join(f"127.0.0.1:{each}" for each in at.values())
    eventually(
        lambda: len(AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=2).brokers) == 3,
        within=60,
        every=1,
    )
    _create(bootstrap, "copied", replication=3)
    stopping[0].kill()
    _produce(bootstrap, "copied", 100)
    assert _count(bootstrap, "copied", 100) == 100


def test_redis_answers(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.set("a", "1", ex=60)
    assert client.get("a") == b"1"


TAKEN: list[tuple[str, Callable[[Path, int], Running]]] = [
    ("PULSE_KAFKA_PORT", lambda folder, taken: tansu.start(folder, taken)),
    ("PULSE_KAFKA_PORT", lambda folder, taken: apache_kafka.start(folder, taken, port.free())),
    ("PULSE_KAFKA_CONTROLLER_PORT", lambda folder, taken: apache_kafka.start(folder, port.free(), taken)),
    ("PULSE_CLICKHOUSE_PORT", lambda folder, taken: clickhouse_server.start(folder, taken, port.free())),
    ("PULSE_CLICKHOUSE_NATIVE_PORT", lambda folder, taken: clickhouse_server.start(folder, port.free(), taken)),
    ("PULSE_REDIS_PORT", lambda folder, taken: valkey.start(folder, taken)),
]


@pytest.mark.parametrize(("setting", "start"), TAKEN)
def test_a_taken_port_is_told_in_one_sentence(
    setting: str, start: Callable[[Path, int], Running], redis_url: str, tmp_path: Path
) -> None:
    taken = int(redis_url.rpartition(":")[2].partition("/")[0])
    with pytest.raises(PulseError) as told:
        start(tmp_path, taken)
    assert f"port {taken}" in str(told.value)
    assert setting in str(told.value)
    assert "\n" not in str(told.value)


def test_a_process_that_ends_at_its_start_is_quoted(tmp_path: Path) -> None:
    script = "print('first'); print('the disk is full'); raise SystemExit(3)"
    with pytest.raises(PulseError, match=r"Thing ended while starting \(exit code 3\)[\s\S]*the disk is full"):
        processes.start("Thing", [sys.executable, "-c", script], tmp_path / "log", lambda: False)


def test_a_process_that_never_answers_is_ended(tmp_path: Path) -> None:
    marker = str(tmp_path / "marker")
    with pytest.raises(PulseError, match="Thing did not answer within 0 s"):
        processes.start(
            "Thing",
            [sys.executable, "-c", "import time; time.sleep(60)", marker],
            tmp_path / "log",
            lambda: False,
            within=0.2,
        )
    assert not [each for each in psutil.process_iter(["cmdline"]) if marker in (each.info["cmdline"] or [])]


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(PulseError, match=r"Thing could not be started.*no-such-program"):
        processes.spawn("Thing", ["no-such-program"], tmp_path / "log")


def test_a_stubborn_process_is_made_to_end(tmp_path: Path) -> None:
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    log = tmp_path / "log"
    running = processes.start("Thing", [sys.executable, "-c", script], log, lambda: "deaf" in processes.last_lines(log))
    running.stop(timeout=0.2)
    assert running.process.returncode == -signal.SIGKILL


def test_services_do_not_outlive_what_started_them(tmp_path: Path) -> None:
    script = (
        "import sys, threading; from pathlib import Path; from deploy.local import valkey, port\n"
        "def start(): print(valkey.start(Path(sys.argv[1]), port.free()).pid, flush=True)\n"
        "thread = threading.Thread(target=start); thread.start(); thread.join(); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    assert child.is_running()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    child.wait(timeout=60)


def _query(url: str, sql: str, **parameters: str) -> str:
    base, _, database = url.partition("//")[2].partition("/")
    sent = {"database": database or "default", **parameters}
    answer = httpx.post(f"http://{base}", content=sql, params=sent, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.text.strip()


def _create(bootstrap: str, topic: str, replication: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, replication)])[topic].result(30)


def _produce(bootstrap: str, topic: str, records: int) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "compression.type": "zstd"})
    for number in range(records):
        producer.produce(topic, str(number).encode(), headers={"place": b"x"})
    assert producer.flush(30) == 0


def _count(bootstrap: str, topic: str, at_most: int) -> int:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "count", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    records = consumer.consume(at_most, timeout=60)
    consumer.close()
    return len([record for record in records if record.error() is None])
