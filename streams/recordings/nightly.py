"""Deleting old recordings once a night, at 3 o'clock UTC; also at the start, for nights that were missed."""

from collections.abc import Callable
from logging import getLogger
from threading import Event, Thread

from pulse.errors import PulseError
from pulse.recordings.keeping import Pruned, due_at, oldest_kept, prune, sweep
from pulse.recordings.store import Objects
from streams.recordings import meters

LOOK_S = 30.0

log = getLogger(__name__)


class Nightly:
    """Deletes what is due until `stop` is set. Several processes may: what one has deleted, another does not find."""

    def __init__(self, objects: Objects, keep_days: int, now: Callable[[], int], stop: Event) -> None:
        self._objects, self._keep_days, self._now, self._stop = objects, keep_days, now, stop
        self._done = 0

    def start(self) -> None:
        """Begin to look, in the background."""
        Thread(target=self._run, name="nightly", daemon=True).start()

    def tend(self) -> Pruned | None:
        """Delete what is due; None where nothing is due. Raises Unavailable, and then it still is."""
        due = due_at(self._now())
        if due <= self._done:
            return None
        oldest = oldest_kept(self._now(), self._keep_days)
        sweep(self._objects, self._now())
        pruned = prune(self._objects, oldest)
        self._done = due
        meters.PRUNED.inc(pruned.gone)
        meters.KEPT.set(pruned.left)
        meters.KEPT_BYTES.set(pruned.left_bytes)
        meters.PRUNED_AT.set(self._now() / 1000)
        log.info("old recordings were deleted", extra={"before": str(oldest), **pruned._asdict()})
        return pruned

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.tend()
            except PulseError as error:
                log.warning("old recordings cannot be deleted just now: %s", error)
            except Exception:
                log.exception("old recordings cannot be deleted just now")
            self._stop.wait(LOOK_S)
