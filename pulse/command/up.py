"""`pulse up`: the whole product on this machine."""

import os
import sys
from typing import Annotated

import typer

Services = Annotated[
    str, typer.Option(help="Where Kafka, ClickHouse and Redis come from: embedded, native, docker or own.")
]
Workers = Annotated[int, typer.Option(min=1, max=16, help="How many processes of the streams.")]
Detach = Annotated[bool, typer.Option("--detach", help="Go on in the background once everything runs.")]


def up(services: Services = "embedded", workers: Workers = 1, detach: Detach = False) -> None:
    """Start everything and keep it running until Ctrl-C."""
    words = ["-m", "deploy.local.up", "--services", services, "--workers", str(workers)]
    os.execv(sys.executable, [sys.executable, *words, *(["--detach"] if detach else [])])
