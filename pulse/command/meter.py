"""How far a long command is: a bar on a terminal, nothing elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class Meter:
    """A bar with the number of events, their rate, and what it waits for."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._began = time.monotonic()

    def reached(self, completed: float, events: int) -> None:
        """So much of the total, so many events."""
        rate = events / max(time.monotonic() - self._began, 1e-3)
        self._progress.update(self._task, completed=completed, events=events, rate=rate, note="")

    def waits(self, why: str) -> None:
        """Why nothing moves."""
        self._progress.update(self._task, note=why)


@contextmanager
def meter(what: str, total: float | None) -> Iterator[Meter]:
    """A bar on standard error up to `total`, without an end if that is None."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[events]:,} events  {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="yellow", markup=False),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=total, events=0, rate=0.0, note="")
        yield Meter(progress, task)


class Amount:
    """A bar for whatever is being done just now."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def reached(self, what: str, done: int, of: int) -> None:
        """So much of so much of this is done."""
        self._progress.update(self._task, description=what, completed=done, total=of)


@contextmanager
def amount() -> Iterator[Amount]:
    """A bar on standard error that says what is being done, and how much of it is."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield Amount(progress, progress.add_task("beginning", total=1))
