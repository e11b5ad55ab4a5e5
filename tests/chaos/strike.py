"""Doing what a plan says to a running product, and starting again what ends by itself, as `make up` would."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag
from threading import Lock, Thread

from deploy.local.process import Running, ending
from pulse.errors import PulseError
from tests.chaos.plan import Fault, Hit, How
from tests.product import Product
from tests.services import Process

Say = Callable[[str], None]
LOOK_S = 0.5


class Striker:
    """Strikes the parts of a product; `errors` holds what should never happen, such as a part that does not start."""

    def __init__(self, product: Product, say: Say) -> None:
        self.errors: list[str] = []
        self.done = 0
        self._product = product
        self._say = say
        self._began = time.monotonic()
        self._struck: set[str] = set()
        self._lock = Lock()
        self._ended = Flag()
        self._watch = Thread(target=self._keep, daemon=True)
        self._watch.start()

    def strike(self, plan: Iterable[Fault], until: float = float("inf")) -> None:
        """One fault after the other; none begins after `until` seconds."""
        with ThreadPoolExecutor(2) as pool:
            for fault in plan:
                time.sleep(fault.pause)
                if time.monotonic() - self._began > until or self.errors:
                    return
                self._tell(f"fault {fault.number}: {' and '.join(map(str, fault.hits))}")
                list(pool.map(self._hit, fault.hits))
                self.done += 1

    def end(self) -> None:
        """Keep the parts no longer."""
        self._ended.set()
        self._watch.join()

    def _hit(self, hit: Hit) -> None:
        with self._lock:
            self._struck.add(hit.target)
        try:
            self._suffer(hit)
        except PulseError as error:
            self._wrong(f"{hit.target} was not to be started again: {error}")
        finally:
            with self._lock:
                self._struck.discard(hit.target)

    def _suffer(self, hit: Hit) -> None:
        part = self._product.parts[hit.target]
        if hit.how is How.freeze:
            part.freeze()
            time.sleep(hit.seconds)
            part.thaw()
            return
        part.kill() if hit.how is How.kill else part.stop()
        time.sleep(hit.seconds)
        part.start()

    def _keep(self) -> None:
        while not self._ended.wait(LOOK_S):
            for name, part in self._product.parts.items():
                with self._lock:
                    if name not in self._struck and isinstance(part, Process) and part.running:
                        self._revive(name, part, part.running)

    def _revive(self, name: str, part: Process, running: Running) -> None:
        if running.is_alive():
            return
        said = f"{name} ended by itself ({ending(running.process.returncode)}); it said: {running.last_words(1)[-300:]}"
        if name in self._product.processes:
            self._tell(f"  {said}")
        else:
            self._wrong(said)
        try:
            part.start()
        except PulseError as error:
            self._wrong(f"{name} was not to be started again: {error}")

    def _wrong(self, what: str) -> None:
        self.errors.append(what)
        self._tell(what)

    def _tell(self, what: str) -> None:
        self._say(f"{time.monotonic() - self._began:7.1f} s  {what}")
