"""`python -m bench.load LOAD`: sends a load (`bench.load.profile.Load`, as JSON), tells each second's figures and the sum, a line each."""

import gc
import signal
import sys
from threading import Event

from msgspec import Struct, json

from bench.load.profile import Load
from bench.load.sender import Sender


def main(asked: str) -> int:
    """Send until the time is over or SIGTERM comes."""
    load = json.decode(asked, type=Load)
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    sender = Sender(load, _tell, stop.is_set)
    gc.collect()
    gc.freeze()
    gc.disable()
    _tell(sender.run())
    return 0


def _tell(figures: Struct) -> None:
    sys.stdout.write(json.encode(figures).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
