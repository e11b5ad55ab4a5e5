"""Java and Maven, as far as Apache Kafka needs them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from pulse.errors import PulseError

LEAST = 17
JAVA_COMMAND = "sudo apt-get install openjdk-17-jre-headless"
MAVEN_COMMAND = "sudo apt-get install maven"


def java() -> str:
    """The java program, JAVA_HOME's first; raises PulseError naming the command that installs it."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(str(Path(home) / "bin" / "java")) if home else shutil.which("java")
    if found is None:
        raise PulseError(
            f"Apache Kafka needs Java {LEAST} or later and there is none: install it with `{JAVA_COMMAND}`"
        )
    version = major(subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr)
    if version < LEAST:
        raise PulseError(
            f"Apache Kafka needs Java {LEAST} or later and {found} is Java {version}: install it with `{JAVA_COMMAND}`"
        )
    return found


def maven() -> str:
    """The mvn program; raises PulseError naming the command that installs it."""
    found = shutil.which("mvn")
    if found is None:
        raise PulseError(f"fetching Apache Kafka needs Maven and there is none: install it with `{MAVEN_COMMAND}`")
    return found


def major(words: str) -> int:
    """The major version in what `java -version` says: 17 of ``openjdk version "17.0.15"``, 8 of ``"1.8.0_392"``; 0 if none."""
    found = re.search(r'version "(?:1\.)?(\d+)', words)
    return int(found.group(1)) if found else 0
