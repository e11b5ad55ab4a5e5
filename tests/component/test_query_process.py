"""`python -m api.query`, `api.control.migrate` and `api.control.bootstrap` as processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import msgspec
import pytest

from clickhouse.client import Client
from deploy.local import port, probe
from deploy.local.process import start
from tests.eventually import eventually
from tests.migrated import migrate

ROOT = Path(__file__).parents[2]


def environment(folder: Path, **given: str) -> dict[str, str]:
    """Settings under which no backing service is there, unless it is given."""
    return {
        "PULSE_DATA": str(folder / "data"),
        "PULSE_SECRET": "a long text that only this test knows",
        "PULSE_KAFKA_URL": f"127.0.0.1:{port.free()}",
        "PULSE_REDIS_URL": f"redis://127.0.0.1:{port.free()}/0",
        "PULSE_CLICKHOUSE_URL": f"http://127.0.0.1:{port.free()}/none",
        "PULSE_QUERY_PORT": str(port.free()),
        **given,
    }


def run(module: str, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a module to its end."""
    command = [sys.executable, "-m", module]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=60, check=False
    )


def first_keys(settings: Mapping[str, str]) -> dict[str, str]:
    """Make the database and the first keys."""
    assert run("api.control.migrate", settings).returncode == 0
    return msgspec.json.decode(run("api.control.bootstrap", settings).stdout, type=dict[str, str])


def test_it_answers_as_its_services_come_and_stops_cleanly(tmp_path: Path, clickhouse: str, redis_url: str) -> None:
    settings = environment(tmp_path, PULSE_CLICKHOUSE_URL=clickhouse, PULSE_REDIS_URL=redis_url)
    at = int(settings["PULSE_QUERY_PORT"])
    url, log = f"http://127.0.0.1:{at}", tmp_path / "query.log"
    running = start(
        "query", [sys.executable, "-m", "api.query"], log, lambda: probe.http(at, "/health"), cwd=ROOT, env=settings
    )
    try:
        down = httpx.get(f"{url}/health/ready")
        assert down.status_code == 503
        assert down.json()["checks"]["store"] != "ok"

        keys = first_keys(settings)
        eventually(lambda: httpx.get(f"{url}/health/ready").status_code == 200)
        headers = {"x-api-key": keys["secret_key"]}
        answer = httpx.get(f"{url}/api/v1/stats?metric=event_count", headers=headers)
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)

        client = Client(clickhouse)
        migrate(client)
        client.close()
        answer = httpx.get(f"{url}/api/v1/stats?metric=event_count", headers=headers)
        assert (answer.status_code, answer.json()["data"]["value"]) == (200, 0)
    finally:
        running.process.send_signal(signal.SIGTERM)
        code = running.process.wait(60)

    assert code == 0
    assert all(key[11:] not in log.read_text() for name, key in keys.items() if name != "site_id")
    assert "Traceback" not in log.read_text()


def test_the_first_keys_are_the_same_at_every_start_and_return_after_the_database_is_lost(tmp_path: Path) -> None:
    settings = environment(tmp_path)
    keys = first_keys(settings)
    for file in (tmp_path / "data").glob("pulse.db*"):
        file.unlink()

    assert set(keys) == {"site_id", "admin_key", "secret_key", "site_key"}
    assert first_keys(settings) == keys


@pytest.mark.parametrize("module", ["api.query", "api.control.bootstrap"])
def test_without_a_secret_it_says_so_in_one_sentence(tmp_path: Path, module: str) -> None:
    done = run(module, environment(tmp_path, PULSE_SECRET=""))

    assert done.returncode in (1, 2)
    assert "PULSE_SECRET" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_database_that_is_not_migrated_is_told(tmp_path: Path) -> None:
    done = run("api.control.bootstrap", environment(tmp_path))

    assert done.returncode == 1
    assert "the database of sites and keys does not answer" in done.stderr.splitlines()[-1]
