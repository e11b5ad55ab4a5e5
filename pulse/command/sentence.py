"""Whatever goes wrong is told in one sentence on standard error, and ends with exit code 1."""

from typing import Any

import typer
from typer.core import TyperGroup

from pulse.errors import PulseError


class Sentences(TyperGroup):
    """A group of commands none of which ends in a traceback for what Pulse itself names."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; raises typer.Exit(1) in place of PulseError."""
        try:
            return super().invoke(ctx)
        except PulseError as error:
            typer.secho(f"pulse: {error}", fg="red", err=True)
            raise typer.Exit(1) from None
