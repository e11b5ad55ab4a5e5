"""ClickHouse as a process of this machine, from a Python wheel; its data lies in a folder and outlives it."""

import os
import platform
import sys
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from string import Template
from xml.sax.saxutils import escape

from deploy.local import folder as folders
from deploy.local import port as ports
from deploy.local import probe
from deploy.local.process import Running
from deploy.local.process import start as start_process
from pulse.analyst import as_xml
from pulse.diagnosis import machine
from pulse.errors import PulseError

HTTP_REMEDY = "set PULSE_CLICKHOUSE_PORT to another port"
NATIVE_REMEDY = "set PULSE_CLICKHOUSE_NATIVE_PORT to another port"
OWN = "or set PULSE_CLICKHOUSE_URL to a ClickHouse you run"
_CONFIGURATION = Path(__file__).parent / "clickhouse"


def check() -> None:
    """Raise PulseError in one sentence if this machine cannot run it."""
    if find_spec("chdb") is None:
        raise PulseError(f"the embedded ClickHouse is not installed: run `pip install 'chdb-core==26.9.0'`, {OWN}")
    if not machine.has_avx2(platform.machine(), machine.cpu_flags()):
        raise PulseError(
            "this processor lacks AVX2, which the embedded ClickHouse needs: set PULSE_CLICKHOUSE_URL to a ClickHouse that runs elsewhere"
        )


def start(
    folder: Path,
    http_port: int,
    tcp_port: int,
    password: str | None = None,
    *,
    analysts: str | None = None,
    within: float = 60,
) -> Running:
    """Start a server on loopback over the data in `folder` and wait until it answers over HTTP.

    Only the user `pulse` with this password is let in, who reads no files and no other servers, and the users of
    `analysts` and of the other files in `users.d`, see pulse.analyst.as_xml. Without a password anyone is let in as `default`, who may do all that this process may: for tests alone, as web pages reach loopback too.
    """
    check()
    ports.demand(http_port, "ClickHouse", HTTP_REMEDY)
    ports.demand(tcp_port, "ClickHouse's native protocol", NATIVE_REMEDY)
    folder = folders.prepare(folder, "ClickHouse")
    _configure(folder, http_port, tcp_port, password)
    if analysts is not None:
        _write(folder / as_xml.FOLDER / as_xml.SHARED, analysts)
    command: list[str | Path] = [sys.executable, "-m", "deploy.local.clickhouse_main", folder]
    command += [] if password is None else ["closed"]
    root = Path(__file__).resolve().parents[2]
    environment = {"TMPDIR": str(folder / "tmp")}
    return start_process(
        "ClickHouse",
        command,
        folder / "start.log",
        lambda: probe.http(http_port, "/ping"),
        within=within,
        cwd=root,
        env=environment,
    )


def _configure(folder: Path, http_port: int, tcp_port: int, password: str | None) -> None:
    (folder / "tmp").mkdir(exist_ok=True)
    users = "open.xml" if password is None else "closed.xml"
    digest = sha256((password or "").encode()).hexdigest()
    values = {"folder": escape(str(folder)), "http_port": http_port, "tcp_port": tcp_port, "password": digest}
    for template, name in (("config.xml", "config.xml"), (users, "users.xml")):
        text = Template((_CONFIGURATION / template).read_text()).substitute(values)
        _write(folder / name, text)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
