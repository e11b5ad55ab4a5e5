"""Downloads Apache Kafka ahead of need, and lets it start faster: `python -m deploy.local.fetch`."""

import sys
import tempfile
from pathlib import Path

from deploy.local import apache_kafka, cache, class_archive, port
from pulse.errors import PulseError

WRITING_S = 60.0


def main() -> int:
    """0 once it is there; 1 after saying what is in the way."""
    try:
        archive(apache_kafka.install(cache.folder()))
    except PulseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def archive(jars: Path) -> None:
    """Keep the classes that a server reads, of one that is started for it and stopped, unless they are kept already.

    What was not written whole within `WRITING_S` is not kept. Raises PulseError if the server does not start.
    """
    kept = class_archive.path(jars)
    if kept.is_file():
        return
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix="apache-kafka-") as folder:
        made = Path(folder) / "classes.jsa"
        writing = class_archive.making(made)
        server = apache_kafka.start(Path(folder) / "log", port.free(), port.free(), jars=jars, options=writing)
        server.stop(WRITING_S)
        if made.is_file() and server.process.returncode >= 0:
            made.rename(kept)


if __name__ == "__main__":
    sys.exit(main())
