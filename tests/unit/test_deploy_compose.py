"""docker-compose.yml and the image: valid, complete, without a secret, and of the versions that are tested."""

import ast
import re
import socket
import stat
import subprocess
import sys
import tomllib
from contextlib import closing
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from deploy.compose import environment, migrate
from deploy.local import apache_kafka
from pulse.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
TEXT = COMPOSE.read_text()
SERVICES: dict[str, dict[str, Any]] = YAML(typ="safe", pure=True).load(TEXT)["services"]
NAMES = ("collector", "query", "live", "streams", "sink", "alerts", "delivery", "recordings")
PROCESSES = {name: f"{name}_port" for name in NAMES}


def test_it_is_a_compose_file() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_it_has_every_part() -> None:
    assert set(SERVICES) == {"kafka", "clickhouse", "redis", "postgres", "migrate", *PROCESSES}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_part_is_watched_and_restarted(name: str) -> None:
    runs_once = name == "migrate"
    assert SERVICES[name]["restart"] == ("on-failure:5" if runs_once else "unless-stopped")
    assert SERVICES[name]["healthcheck"].get("disable", False) is runs_once
    assert runs_once or SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_each_process_waits_for_the_migrations_and_is_asked_at_its_own_port(name: str) -> None:
    service = SERVICES[name]
    assert service["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    port = str(Settings.model_fields[PROCESSES[name]].default)
    assert service["healthcheck"]["test"][-1] == port
    assert all(published.endswith(f":{port}") for published in service.get("ports", ()))


def test_kafka_is_well_while_it_listens() -> None:
    kind, *command = SERVICES["kafka"]["healthcheck"]["test"]
    assert kind == "CMD"
    assert "/127.0.0.1/9092" in command[-1]
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        command[-1] = command[-1].replace("9092", str(server.getsockname()[1]))
        assert subprocess.run(command, check=False).returncode == 0
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_each_setting_exists() -> None:
    named = set(re.findall(r"PULSE_[A-Z_]+", TEXT + (ROOT / ".env.example").read_text()))
    assert named <= {f"PULSE_{field.upper()}" for field in Settings.model_fields}


@pytest.mark.parametrize("name", ["migrate", *PROCESSES])
def test_each_command_is_a_module_that_can_be_run(name: str) -> None:
    python, option, module = SERVICES[name]["command"]
    assert (python, option) == ("python", "-m")
    assert _can_be_run(module)


@pytest.mark.parametrize("module", migrate.STEPS)
def test_each_step_of_the_migration_can_be_run(module: str) -> None:
    assert _can_be_run(module)


def test_no_secret_stands_in_it() -> None:
    values = [
        (key, str(value)) for service in SERVICES.values() for key, value in service.get("environment", {}).items()
    ]
    assert [key for key, value in values if re.search("PASSWORD|SECRET|AUTH", key) and not value.startswith("${")] == []
    assert [key for key, value in values if re.search(r"//[^@$]*:[^$@]+@", value)] == []


def test_each_secret_has_its_line_in_the_example() -> None:
    demanded = set(re.findall(r"\$\{([A-Z_]+):\?", TEXT))
    empty = set(re.findall(r"^([A-Z_]+)=$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert demanded == empty == {"PULSE_SECRET", "CLICKHOUSE_PASSWORD", "REDIS_PASSWORD", "POSTGRES_PASSWORD"}


def test_the_environment_is_written_once_with_different_secrets(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text((ROOT / ".env.example").read_text())
    assert environment.write(tmp_path)
    first = (tmp_path / ".env").read_text()
    secrets = re.findall(r"^[A-Z_]+=([0-9a-f]{48})$", first, re.MULTILINE)
    assert len(set(secrets)) == len(secrets) == 4
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert not environment.write(tmp_path)
    assert (tmp_path / ".env").read_text() == first


def test_the_services_are_of_the_versions_that_are_tested() -> None:
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["embedded"]
    clickhouse = next(pin.removeprefix("chdb-core==") for pin in pins if pin.startswith("chdb-core=="))
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{apache_kafka.VERSION}"
    assert SERVICES["clickhouse"]["image"].endswith(f":-{clickhouse.rpartition('.')[0]}}}")


def test_the_image_installs_what_is_locked_and_no_more() -> None:
    image, everything = _locked(ROOT / "deploy/image/requirements.lock"), _locked(ROOT / "requirements.lock")
    assert {name: hashes for name, hashes in image.items() if everything.get(name) != hashes} == {}
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[\[=<>; ]", each)[0] for each in wanted}
    assert names - {pin.partition("==")[0] for pin in image} == set()
    assert not any(pin.startswith(("chdb-core", "pytest", "mypy==")) for pin in image)


def test_every_package_that_the_processes_import_is_named_and_in_the_image() -> None:
    pins = {pin.partition("==")[0].lower() for pin in _locked(ROOT / "deploy/image/requirements.lock")}
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    named = {re.split(r"[\[=<>; ]", each)[0] for each in wanted}
    distributions = packages_distributions()
    imported = {
        distributions[module][0].lower().replace("_", "-")
        for folder in ("pulse", "api", "streams", "clickhouse")
        for file in (ROOT / folder).rglob("*.py")
        for module in _imports(file) - sys.stdlib_module_names - {path.name for path in ROOT.iterdir()}
    }
    assert len(imported) > 20
    assert imported - named == set()
    assert imported - pins == set()


def _imports(file: Path) -> set[str]:
    """The top-level names of the modules that a file imports."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def test_the_image_runs_as_nobody_in_particular_and_checks_hashes() -> None:
    dockerfile = (ROOT / "deploy/image/Dockerfile").read_text()
    assert "--require-hashes" in dockerfile
    assert re.search(r"^USER 10001", dockerfile, re.MULTILINE)


def _can_be_run(module: str) -> bool:
    spec = find_spec(module)
    return spec is not None and (spec.submodule_search_locations is None or find_spec(f"{module}.__main__") is not None)


def _locked(file: Path) -> dict[str, frozenset[str]]:
    """The pins of a lock, ``name==version`` (and marker), each with its hashes."""
    pins = re.split(r"^(?=[a-z0-9])", file.read_text(), flags=re.MULTILINE)[1:]
    return {pin.split("\\")[0].strip(): frozenset(re.findall(r"sha256:[0-9a-f]+", pin)) for pin in pins}
