"""What a command stands on: the settings of what runs here, and the keys in its data folder."""

import os
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from pulse import started
from pulse.errors import SettingError
from pulse.settings import Settings, load

Which = Literal["admin_key", "secret_key"]


class FirstKeys(Struct):
    """The keys that the first start left in the data folder's `keys.json`."""

    site_id: str
    admin_key: str
    secret_key: str
    site_key: str


def settings() -> Settings:
    """The settings with which Pulse was started in this data folder, where the environment says nothing else."""
    started.adopt(os.environ, load().data)
    return load()


def key(given: str | None, which: Which, data: Path) -> str:
    """The key that was given, else the data folder's own; raises SettingError if there is neither."""
    if given:
        return given
    file = data / "keys.json"
    try:
        found = msgspec.json.decode(file.read_bytes(), type=FirstKeys)
    except FileNotFoundError:
        raise SettingError(f"there is no key: give --key, set PULSE_KEY, or start Pulse, which makes {file}") from None
    except (msgspec.DecodeError, OSError) as why:
        raise SettingError(f"{file} cannot be read: {why}") from None
    return found.admin_key if which == "admin_key" else found.secret_key


def collector(given: str | None, at: Settings) -> str:
    """The collector's address."""
    return (given or f"http://{_reachable(at.host)}:{at.collector_port}").rstrip("/")


def query_api(given: str | None, at: Settings) -> str:
    """The query API's address."""
    return (given or f"http://{_reachable(at.host)}:{at.query_port}").rstrip("/")


def live_view(given: str | None, at: Settings) -> str:
    """The live view's address."""
    return (given or f"http://{_reachable(at.host)}:{at.live_port}").rstrip("/")


def health_pages(at: Settings) -> dict[str, str]:
    """The address of each process by its name."""
    ports = {
        "collector": at.collector_port,
        "query": at.query_port,
        "live": at.live_port,
        "streams": at.streams_port,
        "sink": at.sink_port,
        "alerts": at.alerts_port,
        "delivery": at.delivery_port,
    }
    if at.recordings_url.get_secret_value():
        ports["recordings"] = at.recordings_port
    return {name: f"http://{_reachable(at.host)}:{port}" for name, port in ports.items()}


def _reachable(host: str) -> str:
    """Where to call what listens on `host`, which may be every address of this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, host)
