"""`python -m deploy.local.up`: the whole product on this machine, in the foreground until Ctrl-C."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from deploy.local.up import choice, containers, detached, folder, invitation, plan, preflight
from deploy.local.up.asked import Asked, Stopped
from deploy.local.up.choice import Kind
from deploy.local.up.plan import Plan
from deploy.local.up.screen import Screen
from deploy.local.up.supervisor import Supervisor
from pulse import settings, started
from pulse.errors import PulseError


def main(words: Sequence[str] | None = None) -> int:
    """Run until asked to stop; 0 if everything was started and stopped in order, 1 after saying what is in the way."""
    arguments = _arguments(words)
    screen = Screen(Console())
    try:
        made = plan.make(
            settings.load(),
            arguments.services or Kind.embedded,
            arguments.workers,
            sinks=arguments.sinks,
            collectors=arguments.collectors,
        )
        if arguments.detach:
            return detached.start(made, arguments.services or Kind.embedded, screen)
        with folder.occupy(made.data):
            return _run(made, screen, quiet=arguments.in_background)
    except PulseError as error:
        screen.say(str(error))
        return 1


def _run(made: Plan, screen: Screen, quiet: bool) -> int:
    asked = Asked()
    asked.listen()
    folder.clear(made.data, started.read(made.data), screen.tell)
    preflight.check(made)
    if not choice.keeps_log(made.kinds):
        _tell_of_log(made, screen)
    passwords = containers.passwords() if made.has(Kind.docker) else {}
    if made.kinds["clickhouse"] == Kind.embedded:
        passwords = {**passwords, "CLICKHOUSE_PASSWORD": folder.clickhouse_password(made.data)}
    made = plan.with_secrets(made, made.settings.secret.get_secret_value() or folder.secret(made.data), passwords)
    supervisor = Supervisor(made, screen, asked)
    try:
        supervisor.start()
    except Stopped:
        screen.tell("stopping")
        supervisor.end()
        return 0
    except BaseException:
        supervisor.end()
        raise
    if not quiet:
        screen.say(invitation.text(made, invitation.keys(made.data), invitation.command(made.data)))
        screen.say("Ctrl-C (or `make down`) stops everything; nothing that was answered with 2xx is lost.")
    asked.wait()
    if asked.hung_up:
        screen.silence()
    supervisor.stop()
    screen.tell("stopped")
    return 0


def _tell_of_log(made: Plan, screen: Screen) -> None:
    """What a log in memory means, and whether this one differs from the one before."""
    number = made.settings.partitions
    changed = choice.other_partitions(folder.partitions_before(made.data, number), number)
    for said in (choice.IN_MEMORY, changed):
        if said:
            screen.say(said)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m deploy.local.up", description=__doc__)
    parser.add_argument("--services", default="", help="embedded (default), native, docker or own")
    parser.add_argument("--workers", type=_workers, default=1, help="processes of the streams (1)")
    parser.add_argument("--sinks", type=_workers, default=1, help="sinks (1)")
    parser.add_argument("--collectors", type=_workers, default=1, help="collectors, on ports 10 apart (1)")
    parser.add_argument("--detach", action="store_true", help="go on in the background once everything runs")
    parser.add_argument("--in-background", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def _workers(word: str) -> int:
    number = int(word)
    if not 1 <= number <= 16:
        raise argparse.ArgumentTypeError("1 to 16")
    return number


if __name__ == "__main__":
    sys.exit(main())
