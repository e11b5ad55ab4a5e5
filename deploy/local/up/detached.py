"""Starting in the background: what the supervisor says is shown until everything runs."""

import subprocess
import sys
import time
from typing import IO

from deploy.local.up import invitation
from deploy.local.up.plan import ROOT, Plan
from deploy.local.up.screen import Screen
from pulse import started

POLL_S = 0.1


def start(plan: Plan, wanted: str, screen: Screen) -> int:
    """Start the supervisor in a session of its own and wait until it is ready; 1 if it ends before."""
    log = plan.data / "logs" / "up.log"
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("ab") as out, log.open("r", errors="replace") as said:
        said.seek(0, 2)
        command = [sys.executable, "-m", "deploy.local.up", "--in-background"]
        options = [f"--services={wanted}", f"--workers={plan.workers}"]
        options += [f"--sinks={plan.sinks}", f"--collectors={plan.collectors}"]
        supervisor = subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if not _ready(plan, supervisor, said, screen):
                return 1
        except KeyboardInterrupt:
            supervisor.terminate()
            supervisor.wait()
            return 1
    screen.say(invitation.text(plan, invitation.keys(plan.data), invitation.command(plan.data)))
    screen.say(f"It runs in the background and tells what happens in {log}; `make down` stops it.")
    return 0


def _ready(plan: Plan, supervisor: "subprocess.Popen[bytes]", said: IO[str], screen: Screen) -> bool:
    while True:
        ended = supervisor.poll() is not None
        words = said.read().rstrip("\n")
        if words:
            screen.say(words)
        if ended:
            return False
        found = started.read(plan.data)
        if found and found.up.pid == supervisor.pid and found.phase == started.READY:
            return True
        time.sleep(POLL_S)
