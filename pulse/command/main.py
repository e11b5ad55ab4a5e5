"""The `pulse` command: `python -m pulse.command.main`."""

import typer

from pulse.command.alerts import alerts
from pulse.command.demo import demo
from pulse.command.doctor import doctor
from pulse.command.down import down
from pulse.command.fate import fate
from pulse.command.geo import geo
from pulse.command.imports import import_files
from pulse.command.keys import keys
from pulse.command.leads import leads
from pulse.command.migrate import migrate
from pulse.command.reconcile import reconcile
from pulse.command.recordings import recordings
from pulse.command.replay import replay
from pulse.command.risk import risk
from pulse.command.send import send
from pulse.command.sentence import Sentences
from pulse.command.sites import sites
from pulse.command.sql import sql
from pulse.command.sqluser import sql_user
from pulse.command.status import status
from pulse.command.tail import tail
from pulse.command.top import top
from pulse.command.up import up
from pulse.command.webhooks import webhooks

app = typer.Typer(
    name="pulse",
    help="Self-hosted analytics: events in over HTTP, answers within seconds.",
    cls=Sentences,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for each in (up, down, status, doctor, send, tail, top, sql, fate, reconcile, replay, demo, migrate):
    app.command()(each)
app.command("import")(import_files)
app.add_typer(sites, name="sites")
app.add_typer(keys, name="keys")
app.add_typer(alerts, name="alerts")
app.add_typer(webhooks, name="webhooks")
app.add_typer(leads, name="leads")
app.add_typer(geo, name="geo")
app.add_typer(risk, name="risk")
app.add_typer(recordings, name="recordings")
app.add_typer(sql_user, name="sql-user")


def main() -> None:
    """Run the command that was typed."""
    app(prog_name="pulse")


if __name__ == "__main__":
    main()
