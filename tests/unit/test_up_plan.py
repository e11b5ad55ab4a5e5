"""The plan of `make up`: addresses, ports, order, and the words at its end."""

import shlex
from pathlib import Path

import pytest

from deploy.local.up import choice, containers, folder, invitation, plan, preflight
from deploy.local.up.plan import Plan
from pulse.errors import PulseError, SettingError
from pulse.settings import Settings

KEYS = {"site_id": "main", "admin_key": "a", "secret_key": "pulse_prod_k", "site_key": "s"}


def made(wanted: str = "embedded", workers: int = 1, environ: dict[str, str] | None = None, **settings: object) -> Plan:
    return plan.make(Settings(**settings), wanted, workers, environ or {})  # type: ignore[arg-type]


def test_processes_learn_where_the_started_services_are() -> None:
    environment = made(kafka_port=1, clickhouse_port=2, redis_port=3).environment
    assert environment["PULSE_KAFKA_URL"] == "127.0.0.1:1"
    assert environment["PULSE_CLICKHOUSE_URL"] == "http://127.0.0.1:2/pulse"
    assert environment["PULSE_REDIS_URL"] == "redis://127.0.0.1:3/0"


def test_processes_learn_the_given_addresses() -> None:
    given = {"PULSE_CLICKHOUSE_URL": "http://u:p@ch:8123/theirs"}
    environment = made(environ=given, clickhouse_url=given["PULSE_CLICKHOUSE_URL"]).environment
    assert environment["PULSE_CLICKHOUSE_URL"] == "http://u:p@ch:8123/theirs"


def test_containers_are_reached_with_their_passwords() -> None:
    whole = plan.with_secrets(made("docker"), "secret", {"CLICKHOUSE_PASSWORD": "c", "REDIS_PASSWORD": "r"})
    assert whole.environment["PULSE_CLICKHOUSE_URL"] == "http://pulse:c@127.0.0.1:18123/pulse"
    assert whole.environment["PULSE_REDIS_URL"] == "redis://:r@127.0.0.1:16379/0"
    assert whole.environment["PULSE_SECRET"] == "secret"


def test_the_embedded_store_is_reached_with_a_password_that_the_state_does_not_hold() -> None:
    whole = plan.with_secrets(made(), "secret", {"CLICKHOUSE_PASSWORD": "c"})
    assert whole.environment["PULSE_CLICKHOUSE_URL"] == "http://pulse:c@127.0.0.1:18123/pulse"
    assert whole.to_be_kept()["PULSE_CLICKHOUSE_URL"] == "http://127.0.0.1:18123/pulse"
    assert "PULSE_SECRET" not in whole.to_be_kept()


def test_workers_have_ports_and_names_of_their_own() -> None:
    workers = [each for each in made(workers=3, instance="mine").processes() if each.module == "streams"]
    assert [each.name for each in workers] == ["streams", "streams 2", "streams 3"]
    assert len({each.port for each in workers}) == 3
    assert len({each.environment.get("PULSE_INSTANCE") for each in workers}) == 3


def test_sinks_and_collectors_have_ports_and_names_of_their_own() -> None:
    processes = plan.make(Settings(), "embedded", 2, {}, sinks=3, collectors=2).processes()
    assert [each.name for each in processes] == [
        *(
            "streams",
            "streams 2",
            "collector",
            "collector 2",
            "sink",
            "sink 2",
            "sink 3",
            "query",
            "live",
            "alerts",
            "delivery",
        )
    ]
    assert [each.port for each in processes] == [8301, 8311, 8100, 8110, 8302, 8312, 8322, 8200, 8400, 8303, 8304]
    sinks = [each for each in processes if each.module == "clickhouse.sink"]
    assert len({each.environment.get("PULSE_INSTANCE") for each in sinks}) == 3


def test_sessions_are_recorded_where_that_is_wanted() -> None:
    wanted = Settings.model_validate({"recordings_url": "folder"})
    assert [each.name for each in plan.make(wanted, "embedded", 1, {}).processes()][-1] == "recordings"
    assert "recordings" not in [each.name for each in plan.make(Settings(), "embedded", 1, {}).processes()]


def test_no_sink_is_without_partitions() -> None:
    with pytest.raises(SettingError, match="5 sinks are more than the 4 partitions"):
        plan.make(Settings(), "embedded", 1, {}, sinks=5)


def test_several_nodes_of_kafka_have_ports_of_their_own_and_every_topic_three_copies() -> None:
    planned = made("native", kafka_nodes=4)
    assert planned.nodes() == {
        **{"Kafka": (19092, 19093), "Kafka 2": (19102, 19103)},
        **{"Kafka 3": (19112, 19113), "Kafka 4": (19122, 19123)},
    }
    servers = "127.0.0.1:19092,127.0.0.1:19102,127.0.0.1:19112,127.0.0.1:19122"
    assert planned.environment["PULSE_KAFKA_URL"] == servers
    assert planned.environment["PULSE_REPLICATION"] == "3"
    assert planned.needs()["topics"] == tuple(planned.nodes())
    assert "PULSE_REPLICATION" not in made("native", kafka_nodes=4, replication=2).environment
    assert "PULSE_REPLICATION" not in made("native").environment


def test_only_apache_kafka_has_several_nodes() -> None:
    with pytest.raises(SettingError, match="PULSE_KAFKA_NODES=3 is for SERVICES=native alone"):
        made(kafka_nodes=3)


def test_the_log_of_another_number_of_nodes_is_not_left_behind(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    preflight.demand_same_nodes(made("native", data=tmp_path))
    preflight.demand_same_nodes(made(data=tmp_path))
    with pytest.raises(PulseError, match="has 1 nodes, and PULSE_KAFKA_NODES is 3: set it to 1"):
        preflight.demand_same_nodes(made("native", data=tmp_path, kafka_nodes=3))
    (tmp_path / "kafka").rename(tmp_path / "kafka-of-3")
    preflight.demand_same_nodes(made("native", data=tmp_path, kafka_nodes=3))
    with pytest.raises(PulseError, match="has 3 nodes, and PULSE_KAFKA_NODES is 1"):
        preflight.demand_same_nodes(made("native", data=tmp_path))


def test_another_number_of_partitions_than_the_embedded_log_had_is_told(tmp_path: Path) -> None:
    assert choice.other_partitions(folder.partitions_before(tmp_path, 4), 4) is None
    assert choice.other_partitions(folder.partitions_before(tmp_path, 4), 4) is None
    said = choice.other_partitions(folder.partitions_before(tmp_path, 8), 8)
    assert said is not None
    assert "PULSE_PARTITIONS is 8, and the embedded log had 4 partitions" in said
    assert "PULSE_PARTITIONS=4" in said


def test_no_worker_is_without_partitions() -> None:
    with pytest.raises(SettingError, match="5 workers are more than the 4 partitions"):
        made(workers=5)


@pytest.mark.parametrize("workers", [1, 3])
def test_every_process_waits_for_something_and_every_need_is_a_step(workers: int) -> None:
    planned = made("native", workers)
    needs = planned.needs()
    steps = {"Kafka", "ClickHouse", "Redis", plan.FETCH, *plan.PREPARATIONS, *(p.name for p in planned.processes())}
    assert all(needs[each.name] for each in planned.processes())
    assert {need for wanted in needs.values() for need in wanted} <= steps


@pytest.mark.parametrize(
    ("wanted", "environ", "expected"),
    [
        ("embedded", {}, {19092, 18123, 19000, 16379, 8100, 8200, 8400, 8301, 8302, 8303, 8304}),
        ("native", {}, {19092, 19093, 18123, 19000, 16379, 8100, 8200, 8400, 8301, 8302, 8303, 8304}),
        ("embedded", {"PULSE_CLICKHOUSE_URL": "x"}, {19092, 16379, 8100, 8200, 8400, 8301, 8302, 8303, 8304}),
        ("docker", {}, {8100, 8200, 8400, 8301, 8302, 8303, 8304}),
    ],
)
def test_only_the_ports_of_what_is_started_must_be_free(
    wanted: str, environ: dict[str, str], expected: set[int]
) -> None:
    assert {port for port, *_ in preflight.wanted_ports(made(wanted, environ=environ))} == expected


def test_every_port_is_changed_by_a_setting() -> None:
    names = {f"PULSE_{name.upper()}" for name in Settings.model_fields}
    assert {variable for *_, variable, _ in preflight.wanted_ports(made("native"))} <= names


def test_a_full_disk_is_told_in_one_sentence() -> None:
    with pytest.raises(
        PulseError, match=r"^only 0\.50 GB are free where /data lies.*make room, or set PULSE_DATA"
    ) as told:
        preflight.demand_space(500_000_000, Path("/data"))
    assert "\n" not in str(told.value)
    preflight.demand_space(preflight.LEAST_FREE_BYTES, Path("/data"))


def test_without_docker_the_sentence_names_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PulseError, match=r"needs Docker and there is none: .*`make up`"):
        containers.check()


def test_the_end_names_addresses_and_key_but_no_password() -> None:
    url = "http://u:hidden@ch:8123/theirs"
    said = invitation.text(made(environ={"PULSE_CLICKHOUSE_URL": url}, clickhouse_url=url), KEYS, "pulse")
    assert "http://ch:8123/theirs" in said
    assert "hidden" not in said
    assert "pulse_prod_k" in said
    assert "http://127.0.0.1:8100/v1/events" in said


def test_the_commands_are_whole_shell_words() -> None:
    said = invitation.text(made(host="0.0.0.0"), KEYS, "/a/pulse")
    curls = [shlex.split(line) for line in said.splitlines() if line.startswith("curl")]
    assert [words[-1] for words in curls] == [invitation.EVENT, "Authorization: Bearer pulse_prod_k"]
    assert all("http://127.0.0.1:8" in " ".join(words) for words in curls)
    (sql,) = [shlex.split(line) for line in said.splitlines() if line.startswith("/a/pulse")]
    assert sql == ["/a/pulse", "sql", invitation.QUESTION]


def test_a_data_folder_elsewhere_is_named_in_the_command(tmp_path: Path) -> None:
    launcher = tmp_path / "bin" / "pulse"
    launcher.parent.mkdir()
    launcher.touch()
    assert invitation.command(plan.ROOT / ".pulse", tmp_path) == str(launcher)
    assert invitation.command(Path("/my data"), tmp_path) == f"PULSE_DATA='/my data' {launcher}"
