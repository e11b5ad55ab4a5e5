"""ClickHouse's server, from the chdb-core wheel, as this whole process: `python -m deploy.local.clickhouse_main FOLDER`.

FOLDER holds config.xml (see clickhouse_server); the data goes to FOLDER/data. Ends cleanly on SIGTERM and SIGINT.
The wheel's public interface cannot listen; its private one runs ClickHouse's own HTTP and native handlers until
a long query, which reads a pipe, comes to its end. Hence the exact version in pyproject.toml.
Its own session is the user `default`, who cannot have a password: closed.xml allows `default` one session, and this
one lasts from before the ports open until they are closed again.
"""

import os
import signal
import sys
from pathlib import Path
from threading import Event, Thread

ENDING = frozenset({signal.SIGTERM, signal.SIGINT})
LISTEN_UNTIL_CLOSED = """
SYSTEM START LISTEN HTTP;
SYSTEM START LISTEN TCP;
SELECT * FROM file('ending.pipe', 'LineAsString', 'line String') FORMAT Null;
SYSTEM STOP LISTEN TCP;
SYSTEM STOP LISTEN HTTP
"""


def main(folder: Path) -> int:
    """Serve until asked to end; 1 if it ended by itself. The signals are blocked before ClickHouse starts its threads, which inherit that."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    folder = folder.resolve()
    os.chdir(folder)
    pipe = Path("ending.pipe")
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe, 0o600)
    held_open = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    asked = Event()
    Thread(target=_close_when_asked, args=(held_open, asked), daemon=True).start()
    _serve(folder / "data")
    return 0 if asked.is_set() else 1


def _close_when_asked(pipe: int, asked: Event) -> None:
    signal.sigwait(ENDING)
    asked.set()
    os.close(pipe)


def _serve(data: Path) -> None:
    import chdb

    chdb._chdb.query(LISTEN_UNTIL_CLOSED, "TSV", path=str(data))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
