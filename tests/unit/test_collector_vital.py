"""A task that a collector cannot do without ends the process when it fails."""

import subprocess
import sys

FAILING = """
import asyncio
from api.collector import vital

async def work():
    raise ZeroDivisionError("a fault")

async def main():
    vital.begin(work())
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_fault_ends_the_process_and_is_said() -> None:
    done = subprocess.run([sys.executable, "-c", FAILING], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "a fault" in done.stderr
