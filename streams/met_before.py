"""Reading back where devices were seen, of what is stored: one streaming question, whose answer never becomes objects but states."""

from pathlib import Path

import numpy as np

from clickhouse.client import Client
from pulse.errors import QueryError, Unavailable
from pulse.risk.packed import MINUTE, minute_of
from streams.devices import Devices

HERE = Path(__file__).parent

_ROW = np.dtype([("device", "<u8"), ("word", "<u8")])


def load_devices(client: Client, devices: Devices, partition: int, since_ms: int, now_ms: int) -> None:
    """Note where the devices of a partition were seen since a moment, in ms since the epoch: of too many, those met last. Raises Unavailable."""
    parameters = {"partition": partition, "since": since_ms, "most": devices.room}
    try:
        for piece in client.stream(HERE / "stored_devices.sql", parameters, _ROW.itemsize):
            _load(devices, np.frombuffer(piece, _ROW), minute_of(now_ms))
    except QueryError as error:
        raise Unavailable(f"ClickHouse does not say where devices were seen: {error}") from None


def _load(devices: Devices, rows: np.ndarray, now: int) -> None:
    """Rows, those of a device together; they may go on in the next piece."""
    begins = np.flatnonzero(np.diff(rows["device"], prepend=~rows["device"][:1]))
    for some in np.split(rows, begins[1:]) if len(rows) else ():
        words: list[int] = some["word"].tolist()
        devices.load(int(some["device"][0]), words, min(max(word & MINUTE for word in words), now))
