"""ClickHouse's server, from the chdb-core wheel, as this whole process: `python -m deploy.local.clickhouse_main FOLDER [closed]`.

FOLDER holds config.xml (see clickhouse_server); the data goes to FOLDER/data. Ends cleanly on SIGTERM and SIGINT.
The wheel's public interface cannot listen; its private one runs ClickHouse's own HTTP and native handlers until
a long query, which reads a pipe, comes to its end. Hence the exact version in pyproject.toml.
Its own session is the user `default`, who cannot have a password: closed.xml allows `default` one session, and this
one lasts from before the ports open until they are closed again.

Its function `file` asks for no grant, and reads any file by its path, unless it cannot tell the folder it works in. So a
server that is `closed` works in a folder of its own, which is gone before the ports open; it has no use for the database
`default`, which looks for files there. Nor can it tidy up without: it ends at once after the ports are closed, and
what it has stored is on disk.
"""

import os
import shutil
import signal
import sys
from pathlib import Path
from tempfile import mkdtemp
from threading import Event, Thread

ENDING = frozenset({signal.SIGTERM, signal.SIGINT})
LISTEN = """
SYSTEM START LISTEN HTTP;
SYSTEM START LISTEN TCP;
SELECT * FROM {ending} FORMAT Null;
SYSTEM STOP LISTEN TCP;
SYSTEM STOP LISTEN HTTP
"""
CLOSED = """
CREATE TEMPORARY TABLE ending (line String) ENGINE = File(LineAsString, {ending});
CREATE TEMPORARY TABLE ended (line String) ENGINE = File(LineAsString, {ended});
SELECT * FROM file({begun}, 'LineAsString', 'line String') FORMAT Null;
{listen};
SELECT * FROM ended FORMAT Null
"""


def main(folder: Path, closed: bool) -> int:
    """Serve until asked to end; 1 if it ended by itself. The signals are blocked before ClickHouse starts its threads, which inherit that."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    folder = folder.resolve()
    os.chdir(folder)
    ending = _pipe(folder / "ending.pipe")
    statements = (
        _closed(folder) if closed else LISTEN.format(ending=f"file({_quoted(ending)}, 'LineAsString', 'line String')")
    )
    held_open = os.open(ending, os.O_RDWR | os.O_NONBLOCK)
    asked = Event()
    Thread(target=_close_when_asked, args=(ending, held_open, asked), daemon=True).start()
    _serve(folder / "data", statements)
    return 0 if asked.is_set() else 1


def _closed(folder: Path) -> str:
    """What a closed server is asked, once it works in a folder of its own."""
    begun, ended = _pipe(folder / "begun.pipe"), _pipe(folder / "ended.pipe")
    Thread(target=_leave, args=(_enter(folder), begun), daemon=True).start()
    Thread(target=_end, args=(ended,), daemon=True).start()
    paths = {"ending": folder / "ending.pipe", "begun": begun, "ended": ended}
    return CLOSED.format(listen=LISTEN.format(ending="ending").strip(), **{n: _quoted(p) for n, p in paths.items()})


def _pipe(path: Path) -> Path:
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)
    return path


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("\\", "\\\\").replace("'", "\\'") + "'"


def _enter(folder: Path) -> Path:
    """Work in a new folder that holds the configuration alone, which is looked for there."""
    for left in (folder / "tmp").glob("working-*"):
        shutil.rmtree(left, ignore_errors=True)
    working = Path(mkdtemp(prefix="working-", dir=folder / "tmp"))
    (working / "config.xml").symlink_to(folder / "config.xml")
    os.chdir(working)
    return working


def _leave(working: Path, begun: Path) -> None:
    """Once the server has begun to read the pipe, which it does before it listens, remove the folder it works in."""
    pipe = os.open(begun, os.O_WRONLY)
    shutil.rmtree(working)
    os.close(pipe)


def _end(ended: Path) -> None:
    """Once the server has begun to read the pipe, which it does after it has listened, end the process."""
    os.open(ended, os.O_WRONLY)
    os._exit(0)


def _close_when_asked(ending: Path, held_open: int, asked: Event) -> None:
    """Let the pipe come to its end; a server that has yet to open it would wait for a writer for ever."""
    signal.sigwait(ENDING)
    asked.set()
    os.close(held_open)
    os.close(os.open(ending, os.O_WRONLY))


def _serve(data: Path, statements: str) -> None:
    import chdb

    chdb._chdb.query(statements, "TSV", path=str(data))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:] == ["closed"]))
