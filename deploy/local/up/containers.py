"""The services in containers, by docker-compose.yml."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping

from dotenv import dotenv_values

from deploy.compose import environment
from deploy.local.up.plan import ROOT, Plan
from pulse.errors import PulseError

INSTEAD = "or start without Docker: `make up`"
WAIT_S = 300


def check() -> None:
    """Raise PulseError in one sentence unless Docker, Compose and a running engine are there."""
    if shutil.which("docker") is None:
        raise PulseError(f"SERVICES=docker needs Docker and there is none: install it, {INSTEAD}")
    if not _succeeds("docker", "compose", "version"):
        raise PulseError(
            f"SERVICES=docker needs Docker Compose: install it with `sudo apt-get install docker-compose-plugin`, {INSTEAD}"
        )
    if not _succeeds("docker", "info"):
        raise PulseError(
            f"the Docker engine does not answer: start it with `sudo systemctl start docker`, join the group `docker`, {INSTEAD}"
        )


def passwords() -> dict[str, str]:
    """The passwords in .env, which is made if there is none; raises PulseError if one is missing."""
    environment.write(ROOT)
    found = dotenv_values(ROOT / ".env")
    needed = ("CLICKHOUSE_PASSWORD", "REDIS_PASSWORD")
    for name in needed:
        if not found.get(name):
            raise PulseError(f"{ROOT / '.env'} names no {name}: add one, as .env.example shows")
    return {name: found[name] or "" for name in needed}


def start(plan: Plan, names: Iterable[str]) -> None:
    """Start containers and wait until they are healthy; raises PulseError quoting what Docker said."""
    _compose(plan, "up", "--detach", "--wait", "--wait-timeout", str(WAIT_S), *names)


def stop(plan: Plan, names: Iterable[str]) -> None:
    """Stop containers; what they keep stays in their volumes."""
    _compose(plan, "stop", *names)


def _compose(plan: Plan, *words: str) -> None:
    done = subprocess.run(
        ["docker", "compose", "--file", str(ROOT / "docker-compose.yml"), *words],
        cwd=ROOT,
        env=_environment(plan),
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    if done.returncode != 0:
        said = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise PulseError(f"docker compose {words[0]} failed; it says:\n{said}")


def _environment(plan: Plan) -> Mapping[str, str]:
    s = plan.settings
    ports = {
        "PULSE_KAFKA_PORT": str(s.kafka_port),
        "PULSE_CLICKHOUSE_PORT": str(s.clickhouse_port),
        "PULSE_CLICKHOUSE_NATIVE_PORT": str(s.clickhouse_native_port),
        "PULSE_REDIS_PORT": str(s.redis_port),
    }
    return {**os.environ, **ports}


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
