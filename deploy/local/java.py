"""Java and Maven, as far as Apache Kafka needs them."""

import shutil

from pulse.diagnosis import machine
from pulse.errors import PulseError

LEAST = machine.JAVA_LEAST
JAVA_COMMAND = "sudo apt-get install openjdk-17-jre-headless"
MAVEN_COMMAND = "sudo apt-get install maven"


def java() -> str:
    """The java program, JAVA_HOME's first; raises PulseError naming the command that installs it."""
    found = machine.java_program()
    if found is None:
        raise PulseError(
            f"Apache Kafka needs Java {LEAST} or later and there is none: install it with `{JAVA_COMMAND}`"
        )
    version = machine.java_major(machine.java_version(found))
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
