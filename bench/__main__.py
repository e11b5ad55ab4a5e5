"""`python -m bench [NAME …]`: measurements on this machine, one file each; all but the long ones if none is named.

collector, streams, sink: µs an event of each stage. freshness: from an event sent to an event counted.
exact (long): a million events while everything is killed once, and every count compared.
"""

import platform
import subprocess
import sys
from pathlib import Path

import psutil

HERE = Path(__file__).parent
LONG = {"exact"}


def names() -> list[str]:
    """The measurements there are."""
    return sorted(file.stem for file in HERE.glob("*.py") if not file.stem.startswith("_"))


def main(asked: list[str]) -> int:
    """Run the measurements that are asked for; 2 if one does not exist."""
    unknown = sorted(set(asked) - set(names()))
    if unknown:
        print(f"no such measurement: {', '.join(unknown)}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    print(
        f"commit {commit.stdout.strip()}, {psutil.cpu_count()} cores, {psutil.virtual_memory().total >> 30} GiB,"
        f" Python {platform.python_version()}, {platform.machine()}\n"
    )
    for name in asked or [name for name in names() if name not in LONG]:
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
