"""`pulse down`: stop what `pulse up` started."""

import os
import signal
import time
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console

from pulse import started
from pulse.settings import load
from pulse.started import Process, Started

POLL_S = 0.2
PATIENCE_S = 20.0

Now = Annotated[bool, typer.Option("--now", help="Do not wait until everything that was accepted is stored.")]


def down(now: Now = False) -> None:
    """Stop everything, once all that was accepted is stored."""
    data = load().data
    found = started.read(data)
    console = Console(highlight=False, soft_wrap=True)
    if found and started.is_running(found.up):
        _ask(found, now)
        _watch(data, found.up, console)
    elif found and left(found):
        console.print("`up` was killed; ending the processes that it left running")
        _end(left(found))
        started.forget(data)
        if "docker" in found.services.values():
            console.print("its containers still run: `docker compose stop` ends them")
    else:
        console.print(f"nothing runs on {data.resolve()}")
        started.forget(data)
        return
    console.print("stopped")


def left(found: Started) -> list[Process]:
    """The processes that still run, in the order in which they are to be stopped: the collector first, services last."""
    order = ["collector", "streams", "alerts", "delivery", "recordings", "sink", "query", "live"]
    own = sorted(found.processes, key=lambda name: order.index(name) if name in order else len(order))
    return [found.processes[name] for name in own if started.is_running(found.processes[name])]


def _ask(found: Started, now: bool) -> None:
    """Ask once; a supervisor that is already stopping takes one more request as "do not wait"."""
    asked = 0 if found.phase.startswith("stopping") else 1
    for _ in range(asked + now):
        os.kill(found.up.pid, signal.SIGTERM)
        time.sleep(POLL_S)


def _watch(data: Path, up: Process, console: Console) -> None:
    said = ""
    with console.status("stopping") as status:
        while started.is_running(up):
            found = started.read(data)
            if found and found.phase != said:
                said = found.phase
                status.update(said)
                if not console.is_terminal:
                    console.print(said)
            time.sleep(POLL_S)


def _end(processes: list[Process]) -> None:
    for process in processes:
        found = psutil.Process(process.pid)
        found.terminate()
        try:
            found.wait(PATIENCE_S)
        except psutil.TimeoutExpired:
            found.kill()
