"""Everything that is made before the processes start, one after the other: `python -m deploy.compose.migrate`."""

import subprocess
import sys

STEPS = ("streams.topics", "clickhouse.migrate", "api.control.migrate", "api.control.bootstrap")


def main() -> int:
    """Run each step; the first that fails gives the exit code. What a step prints may hold keys and is not shown."""
    for step in STEPS:
        code = subprocess.run([sys.executable, "-m", step], stdout=subprocess.DEVNULL, check=False).returncode
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
