"""`pulse up`: the whole product on this machine."""

import os
import sys
from typing import Annotated

import typer

Services = Annotated[
    str, typer.Option(help="Where Kafka, ClickHouse and Redis come from: embedded, native, docker or own.")
]
Workers = Annotated[int, typer.Option(min=1, max=16, help="How many processes of the streams.")]
Sinks = Annotated[int, typer.Option(min=1, max=16, help="How many sinks.")]
Collectors = Annotated[int, typer.Option(min=1, max=16, help="How many collectors, on ports 10 apart.")]
Detach = Annotated[bool, typer.Option("--detach", help="Go on in the background once everything runs.")]


def up(
    services: Services = "embedded",
    workers: Workers = 1,
    sinks: Sinks = 1,
    collectors: Collectors = 1,
    detach: Detach = False,
) -> None:
    """Start everything and keep it running until Ctrl-C."""
    words = ["-m", "deploy.local.up", "--services", services, "--workers", str(workers)]
    words += ["--sinks", str(sinks), "--collectors", str(collectors)]
    os.execv(sys.executable, [sys.executable, *words, *(["--detach"] if detach else [])])
