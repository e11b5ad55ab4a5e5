"""Whether the process was frozen for so long that others may have gone on in its place."""

import asyncio
from time import monotonic


class Beat:
    """Beats on the event loop; a pause of more than `most_s` seconds between two beats is a freeze."""

    def __init__(self, most_s: float, now: float | None = None) -> None:
        self._most_s = most_s
        self._last = monotonic() if now is None else now
        self._freezes = 0

    def freezes(self, now: float) -> int:
        """How many there have been until now."""
        if now - self._last > self._most_s:
            self._freezes += 1
        self._last = now
        return self._freezes

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            self.freezes(monotonic())
            await asyncio.sleep(self._most_s / 4)
