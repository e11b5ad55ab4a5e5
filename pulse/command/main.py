"""The `pulse` command: `python -m pulse.command.main`."""

from typing import Any

import typer

from pulse.command.lazy import Commands
from pulse.command.sentence import Sentences

COMMANDS = {
    "up": "pulse.command.up:up",
    "down": "pulse.command.down:down",
    "status": "pulse.command.status:status",
    "doctor": "pulse.command.doctor:doctor",
    "send": "pulse.command.send:send",
    "tail": "pulse.command.tail:tail",
    "top": "pulse.command.top:top",
    "sql": "pulse.command.sql:sql",
    "fate": "pulse.command.fate:fate",
    "reconcile": "pulse.command.reconcile:reconcile",
    "replay": "pulse.command.replay:replay",
    "demo": "pulse.command.demo:demo",
    "migrate": "pulse.command.migrate:migrate",
    "import": "pulse.command.imports:import_files",
    "sites": "pulse.command.sites:sites",
    "keys": "pulse.command.keys:keys",
    "alerts": "pulse.command.alerts:alerts",
    "webhooks": "pulse.command.webhooks:webhooks",
    "leads": "pulse.command.leads:leads",
    "geo": "pulse.command.geo:geo",
    "risk": "pulse.command.risk:risk",
    "recordings": "pulse.command.recordings:recordings",
    "sql-user": "pulse.command.sqluser:sql_user",
}
"""Where each command is, in the order in which they are shown."""


class Pulse(Sentences):
    """All commands."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.commands: Any = Commands(COMMANDS)


app = typer.Typer(
    name="pulse",
    help="Self-hosted analytics: events in over HTTP, answers within seconds.",
    cls=Pulse,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def pulse() -> None:
    """Self-hosted analytics: events in over HTTP, answers within seconds."""


def main() -> None:
    """Run the command that was typed."""
    app(prog_name="pulse")


if __name__ == "__main__":
    main()
