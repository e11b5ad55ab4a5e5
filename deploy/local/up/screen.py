"""What the user sees: steps with their progress on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import RLock

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Screen:
    """Lines and steps, from any thread. A terminal that went away is no reason to stop."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = RLock()
        self._progress: Progress | None = None

    def silence(self) -> None:
        """There is no terminal any more."""
        self._console = Console(quiet=True, force_terminal=False)

    def say(self, text: str) -> None:
        """One line or several, as they are: long lines are not broken, so that commands can be copied."""
        with self._lock, suppress(OSError):
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def tell(self, text: str) -> None:
        """A line about what has just happened, with the time of day."""
        self.say(f"{time.strftime('%H:%M:%S')}  {text}")

    @contextmanager
    def steps(self) -> Iterator[None]:
        """While inside, the steps are shown together, each with its time."""
        if not self._console.is_terminal:
            yield
            return
        columns = (SpinnerColumn(finished_text="[green]✓[/]"), TextColumn("{task.description}"), TimeElapsedColumn())
        self._progress = Progress(*columns, console=self._console)
        try:
            with self._progress:
                yield
        finally:
            self._progress = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step, done when left without an error."""
        progress, begun = self._progress, time.monotonic()
        if progress is None:
            yield
            self.say(f"{name}: ready after {time.monotonic() - begun:.1f} s")
            return
        task = progress.add_task(name, total=1)
        yield
        progress.update(task, completed=1)

    @contextmanager
    def waiting(self, text: str) -> Iterator["Waiting"]:
        """A wait whose text changes."""
        with self.steps():
            yield Waiting(self, self._progress, text)


class Waiting:
    """A wait that is shown: on a terminal as one changing line, elsewhere as a line at most every two seconds."""

    EVERY_S = 2.0

    def __init__(self, screen: Screen, progress: Progress | None, text: str) -> None:
        self._screen = screen
        self._progress = progress
        self._said = ""
        self._at = float("-inf")
        self._task = progress.add_task(text, total=None) if progress else None

    def update(self, text: str) -> None:
        """Show how it stands."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=text)
        elif text != self._said and time.monotonic() - self._at >= self.EVERY_S:
            self._said, self._at = text, time.monotonic()
            self._screen.tell(text)
