"""Reading back where devices were seen, of what is stored: streaming questions, whose answers never become objects but states."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from clickhouse.client import Client
from pulse.errors import QueryError, Unavailable
from pulse.risk.crowd import USUAL
from pulse.risk.packed import minute_of
from pulse.risk.words import MINUTE
from streams.devices import Devices
from streams.generations import EACH_BYTES, Generations

HERE = Path(__file__).parent

_ROW = np.dtype([("key", "<u8"), ("word", "<u8")])


class Before(NamedTuple):
    """Before which offset of which log an event came; of other logs all did."""

    log: str = ""
    offset: int = 0


def load_devices(
    client: Client, devices: Devices, partition: int, since_ms: int, now_ms: int, before: Before = Before()
) -> None:
    """Note where the devices of a partition were seen since a moment, in ms since the epoch: of too many, those met last. Raises Unavailable."""
    asked = {"partition": partition, "since": since_ms, "each": EACH_BYTES, "kinds": list(USUAL)}
    asked |= {"log": before.log, "before": before.offset}
    try:
        for name, into in (("stored_devices", devices.known), ("stored_places", devices.places)):
            parameters = asked | {"most": into.room}
            for piece in client.stream(HERE / f"{name}.sql", parameters, _ROW.itemsize):
                _load(into, np.frombuffer(piece, _ROW), minute_of(now_ms))
    except QueryError as error:
        raise Unavailable(f"ClickHouse does not say where devices were seen: {error}") from None


def _load(into: Generations, rows: np.ndarray, now: int) -> None:
    """Rows, those of a key together; they may go on in the next piece."""
    begins = np.flatnonzero(np.diff(rows["key"], prepend=~rows["key"][:1]))
    for some in np.split(rows, begins[1:]) if len(rows) else ():
        words: list[int] = some["word"].tolist()
        into.load(int(some["key"][0]), words, min(max(word & MINUTE for word in words), now))
