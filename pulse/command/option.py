"""Options that several commands share."""

from typing import Annotated

import typer

Key = Annotated[
    str | None,
    typer.Option(
        "--key", envvar="PULSE_KEY", show_default=False, help="The key; else that of the data folder's keys.json."
    ),
]
Collector = Annotated[
    str | None,
    typer.Option("--collector", metavar="URL", help="The collector's address; else the one that the settings name."),
]
Api = Annotated[
    str | None,
    typer.Option("--api", metavar="URL", help="The query API's address; else the one that the settings name."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
Patience = Annotated[
    float,
    typer.Option("--patience", min=0, metavar="SECONDS", help="How long to keep trying while the collector is away."),
]
