"""Apache Kafka as processes of this machine (KRaft, no ZooKeeper), fetched by Maven; its log outlives it."""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from deploy.local import cache as caches
from deploy.local import class_archive, probe
from deploy.local import folder as folders
from deploy.local import port as ports
from deploy.local.java import java, maven
from deploy.local.process import Running, await_answer, spawn
from pulse.errors import PulseError

VERSION = "4.1.1"
REMEDY = "set PULSE_KAFKA_PORT to another port"
CONTROLLER_REMEDY = "set PULSE_KAFKA_CONTROLLER_PORT to another port"
_CLUSTER_ID = "UHVsc2VMb2NhbENsdXN0ZQ"
_CONFIGURATION = Path(__file__).parent / "kafka"


def install(cache: Path) -> Path:
    """The folder of Apache Kafka's jars below `cache`, fetched if it is not there yet.

    It appears under its name only when whole, so an interrupted download is never taken for it.
    Raises PulseError if Java or Maven is missing or the download fails.
    """
    jars = cache / f"apache-kafka-{VERSION}"
    if not jars.is_dir():
        java()
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="apache-kafka-") as unfinished:
            _move(_fetch(Path(unfinished)), jars)
    return jars


def start(
    folder: Path,
    port: int,
    controller_port: int,
    *,
    node: int = 1,
    voters: Mapping[int, int] | None = None,
    jars: Path | None = None,
    heap: str = "512m",
    options: Sequence[str] = (),
    within: float = 90,
) -> Running:
    """Start one node, broker and controller in one, over the log in `folder`, and wait until it answers.

    It listens on loopback. `voters` are the controller ports of all nodes by node id, the same for each node of a
    cluster; a node of several answers only once most of them run, so `launch` those first. `heap` is Java's -Xmx,
    `options` are further ones.
    """
    running = launch(folder, port, controller_port, node=node, voters=voters, jars=jars, heap=heap, options=options)
    try:
        await_answer(running, lambda: probe.kafka(f"127.0.0.1:{port}"), within)
    except BaseException:
        running.kill()
        raise
    return running


def launch(
    folder: Path,
    port: int,
    controller_port: int,
    *,
    node: int = 1,
    voters: Mapping[int, int] | None = None,
    jars: Path | None = None,
    heap: str = "512m",
    options: Sequence[str] = (),
) -> Running:
    """Start one node as `start` does, without waiting."""
    ports.demand(port, "Kafka", REMEDY)
    ports.demand(controller_port, "Kafka's controller", CONTROLLER_REMEDY)
    jars = jars or install(caches.folder())
    folder = folders.prepare(folder, "Kafka")
    name = f"Kafka node {node}" if voters else "Kafka"
    properties = _configure(folder, port, controller_port, node, voters or {node: controller_port})
    java_command = [java(), f"-Xmx{heap}", *_java_options(folder), *class_archive.options(jars), "-cp", f"{jars}/*"]
    _format(name, java_command, properties)
    return spawn(name, [*java_command, *options, "kafka.Kafka", properties], folder / "start.log")


def _fetch(into: Path) -> Path:
    (into / "pom.xml").write_text(Template((_CONFIGURATION / "pom.xml").read_text()).substitute(version=VERSION))
    jars = into / "jars"
    command = [maven(), "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
    done = subprocess.run(command, cwd=into, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[:5])
        raise PulseError(f"Maven could not fetch Apache Kafka {VERSION}; it says:\n{said}")
    return jars


def _move(whole: Path, to: Path) -> None:
    try:
        whole.rename(to)
    except OSError:
        if not to.is_dir():
            raise


def _configure(folder: Path, port: int, controller_port: int, node: int, voters: Mapping[int, int]) -> Path:
    copies = min(3, len(voters))
    values = {
        "node": node,
        "voters": ",".join(f"{name}@127.0.0.1:{at}" for name, at in sorted(voters.items())),
        "port": port,
        "controller_port": controller_port,
        "folder": folder,
        "copies": copies,
        "in_sync": max(1, copies - 1),
        "session_ms": 4_000 if copies == 1 else 8_000,
        "heartbeat_ms": 500 if copies == 1 else 1_500,
    }
    properties = folder / "server.properties"
    properties.write_text(Template((_CONFIGURATION / "server.properties").read_text()).substitute(values))
    return properties


def _java_options(folder: Path) -> list[str]:
    return [
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={_CONFIGURATION / 'log4j2.properties'}",
        f"-Dpulse.log={folder / 'kafka.log'}",
    ]


def _format(name: str, java_command: list[str], properties: Path) -> None:
    if (properties.parent / "data" / "meta.properties").is_file():
        return
    brief = "-XX:TieredStopAtLevel=1"  # it ends before code that is compiled with more care pays
    tool = [brief, "kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", _CLUSTER_ID, "-c", str(properties)]
    done = subprocess.run([*java_command, *tool], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise PulseError(f"{name} could not prepare its folder {properties.parent}; it says:\n{said}")
