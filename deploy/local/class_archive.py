"""The classes of Apache Kafka as Java has read them once, kept in a file: from it a server starts in some half of the time.

See JEP 350 (archives of classes at exit). Java passes over an archive that is not of just this Java and these jars.
"""

import hashlib
from pathlib import Path

from deploy.local.java import java


def path(jars: Path) -> Path:
    """Where the archive of these jars is or would be, for the Java that is there. Raises PulseError if there is none."""
    program = Path(java()).resolve()
    kind = hashlib.sha256(f"{program} {program.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    return jars.parent / f"{jars.name}-{kind}.jsa"


def making(archive: Path) -> list[str]:
    """Options with which Java writes an archive once it ends."""
    return [f"-XX:ArchiveClassesAtExit={archive}"]


def options(jars: Path) -> list[str]:
    """Options with which Java reads the archive, where there is one."""
    archive = path(jars)
    return [f"-XX:SharedArchiveFile={archive}"] if archive.is_file() else []
