"""`pulse sql`: a question to ClickHouse."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from pulse.command import situation
from pulse.command.store import Store
from pulse.errors import PulseError

Query = Annotated[str | None, typer.Argument(help="The query; - is standard input. Without one: a prompt.")]
File = Annotated[Path | None, typer.Option("--file", "-f", help="A file with the query.")]
Format = Annotated[
    str | None, typer.Option("--format", help="Any of ClickHouse's formats; else a table on a terminal, TSV elsewhere.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="NAME=VALUE", help="The value of {NAME:Type} in the query."),
]

TABLE = "PrettyCompactMonoBlock"
TSV = "TSV"
PROMPT, MORE = "pulse> ", "    -> "
LEAVE = frozenset({"exit", "quit", "q"})


def sql(query: Query = None, file: File = None, form: Format = None, params: Parameters = None) -> None:
    """Ask ClickHouse: the query of the command line, of a file, of standard input, or of a prompt."""
    if query is not None and file is not None:
        raise typer.BadParameter("give a QUERY or --file, not both")
    store = Store(situation.settings().clickhouse_url.get_secret_value())
    ask = Asker(store, _named(params or []), form or _usual())
    text = _text(query, file)
    if text is None:
        _converse(ask)
    else:
        ask(text)


@dataclass(frozen=True)
class Asker:
    """Asks one query after the other and writes what comes to standard output; raises Unavailable and QueryError."""

    store: Store
    parameters: dict[str, str]
    form: str

    def __call__(self, query: str) -> None:
        """Ask one query."""
        for piece in self.store.ask(query.strip().rstrip(";"), self.parameters, self.form):
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()


def _text(query: str | None, file: Path | None) -> str | None:
    """The query that was given, None if a prompt is wanted."""
    if file is not None:
        try:
            return file.read_text()
        except (OSError, UnicodeDecodeError) as why:
            raise typer.BadParameter(f"{file} cannot be read: {why}", param_hint="--file") from None
    if query == "-" or (query is None and not sys.stdin.isatty()):
        return sys.stdin.read()
    return query


def _converse(ask: Asker) -> None:
    import readline  # noqa: F401 - makes `input` a line editor with a history

    typer.echo("A query ends with ; and Ctrl-D leaves.", err=True)
    lines: list[str] = []
    while True:
        try:
            line = input(MORE if lines else PROMPT)
        except EOFError:
            return
        except KeyboardInterrupt:
            typer.echo()
            lines = []
            continue
        if not lines and line.strip().rstrip(";").lower() in LEAVE | {""}:
            if line.strip():
                return
            continue
        lines.append(line)
        if line.rstrip().endswith(";"):
            _try(ask, "\n".join(lines))
            lines = []


def _try(ask: Asker, query: str) -> None:
    try:
        ask(query)
    except PulseError as why:
        typer.secho(str(why), fg="red", err=True)


def _named(given: list[str]) -> dict[str, str]:
    for each in given:
        if not each.partition("=")[0] or "=" not in each:
            raise typer.BadParameter(f"{each!r} is not NAME=VALUE", param_hint="--param")
    return dict(each.split("=", 1) for each in given)


def _usual() -> str:
    return TABLE if sys.stdout.isatty() else TSV
