"""Everything that one `make up` runs, as a whole: started in order, kept running, stopped without loss."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Lock, RLock, Thread

import psutil

from deploy.local.process import Running
from deploy.local.up import backoff, containers, order, parts
from deploy.local.up.asked import Asked, Stopped
from deploy.local.up.choice import Kind, keeps_log
from deploy.local.up.drain import drain, remains, spooled
from deploy.local.up.keeper import Keeper, Part
from deploy.local.up.plan import PREPARATIONS, Plan, kind_of
from deploy.local.up.screen import Screen
from pulse import spool, started
from pulse.errors import PulseError
from pulse.lag import Log, total
from pulse.started import Started

LOST = (
    "with the embedded Kafka its log is gone, which was in memory only: events that were not stored yet are lost; "
    "a new log is made, and everything that reads or writes it is started anew"
)
COLLECTOR_S = 90
"""So long the collector may take to finish its requests and to send what lies in its spool."""
LOOK_S = 0.1
WITHOUT_GROUP = ("collector", "query")
"""The processes that are no consumers: they answer on until there is a new log."""


class Supervisor:
    """Starts, keeps and stops the parts of a plan."""

    def __init__(self, plan: Plan, screen: Screen, asked: Asked) -> None:
        self._plan = plan
        self._screen = screen
        self._asked = asked
        self._lock = RLock()
        self._renewing = Lock()
        self._lost = self._renewed = 0
        self._backing = {name: self._keeper(part, name) for name, part in parts.backing(plan).items()}
        self._own = {name: self._keeper(part, name) for name, part in parts.own(plan).items()}
        self._started = Started(
            up=started.identify(os.getpid()),
            phase="starting",
            services={name: kind.value for name, kind in plan.kinds.items()},
            environment=plan.to_be_kept(),
        )

    def start(self) -> None:
        """Start everything and wait until all of it is ready; raises PulseError, and Stopped if asked to stop meanwhile."""
        self._phase("starting")
        in_containers = self._in_containers()
        steps: dict[str, Callable[[], object]] = {}
        needs = dict(self._plan.needs())
        if in_containers:
            steps["containers"] = partial(containers.start, self._plan, in_containers)
            needs |= {name: (*needs.get(name, ()), "containers") for name in ("topics", "tables")}
        steps |= parts.fetching(self._plan)
        steps |= {name: keeper.start for name, keeper in self._backing.items()}
        steps |= {name: partial(parts.prepare, module, self._plan) for name, module in PREPARATIONS.items()}
        steps |= {name: keeper.start for name, keeper in self._own.items()}
        with self._screen.steps():
            order.run({name: self._shown(name, step) for name, step in steps.items()}, needs, self._look)
        self._phase(started.READY)

    def stop(self) -> None:
        """Take no more events, wait until those that were taken are stored, and stop everything."""
        before = self._asked.times
        self._phase("stopping: the collector")
        self._screen.tell("stopping: no more events are taken; Ctrl-C again does not wait for those that were")
        has_enough = lambda: self._asked.times > before  # noqa: E731
        self._end_collectors(has_enough)
        left = self._drain(has_enough)
        self._phase("stopping: processes and services")
        for said in (remains(left, keeps_log(self._plan.kinds)), spooled(self._spool_bytes())):
            if said:
                self._screen.tell(said)
        self.end()

    def end(self) -> None:
        """Stop whatever runs, the processes before the services, and what has only half begun."""
        _side_by_side(keeper.stop for keeper in self._own.values())
        _side_by_side(keeper.stop for keeper in self._backing.values())
        with suppress(PulseError):
            if self._in_containers():
                containers.stop(self._plan, self._in_containers())
        _sweep()
        started.forget(self._plan.data)

    def _end_collectors(self, enough: Callable[[], bool]) -> None:
        """They send what lies in their spools first, if Kafka is there."""
        keepers = [self._own[name] for name in self._own if kind_of(name) == "collector"]
        stops = [partial(keeper.stop, COLLECTOR_S) for keeper in keepers]
        stopping = Thread(target=_side_by_side, args=(stops,), name="end of the collectors", daemon=True)
        stopping.start()
        while stopping.is_alive():
            stopping.join(LOOK_S)
            if enough():
                for keeper in keepers:
                    if keeper.running:
                        keeper.running.kill()

    def _spool_bytes(self) -> int:
        return spool.waiting(self._plan.settings.spool or self._plan.data / spool.FOLDER)

    def _drain(self, enough: Callable[[], bool]) -> int | None:
        log = Log(self._plan.environment["PULSE_KAFKA_URL"])
        with self._screen.waiting("storing what was accepted") as waiting:

            def show(text: str) -> None:
                waiting.update(text)
                self._phase(f"stopping: {text}")

            return drain(
                lambda: total(log.lags()), enough, show, self._screen.tell, keeps_log=keeps_log(self._plan.kinds)
            )

    def _keeper(self, part: Part, name: str) -> Keeper:
        in_memory = name == "Kafka" and self._plan.kinds["kafka"] == Kind.embedded
        hooks = {"died": self._leave_log, "again": self._renew_log} if in_memory else {}
        return Keeper(part, self._screen.tell, partial(self._note, name), **hooks)

    def _leave_log(self) -> None:
        """Stop what reads the lost log: a member that leaves while it joins anew would block its group for ever."""
        self._lost += 1
        self._screen.tell(LOST)
        _side_by_side(partial(self._own[name].halt, patience) for name, patience in self._consumers().items())

    def _renew_log(self) -> None:
        """In a thread of its own: meanwhile Kafka is watched on, and may die once more."""
        Thread(target=self._begin_log, args=(self._lost,), name="new log", daemon=True).start()

    def _begin_log(self, number: int) -> None:
        failed = 0
        with self._renewing:
            while self._renewed < number and not self._asked.times:
                try:
                    lost = self._lost
                    parts.prepare(PREPARATIONS["topics"], self._plan)
                    if lost == self._lost:
                        _side_by_side(keeper.halt for keeper in self._own.values())
                        _side_by_side(keeper.resume for keeper in self._own.values())
                        self._renewed = lost
                except (PulseError, OSError) as error:
                    failed += 1
                    self._screen.tell(str(error))
                    self._asked.wait(backoff.pause(failed))

    def _consumers(self) -> dict[str, float]:
        """How long each consumer of a lost log may take to end: the sink stores what it has, the rest is void."""
        return {name: 10 if kind_of(name) == "sink" else 1 for name in self._own if kind_of(name) not in WITHOUT_GROUP}

    def _in_containers(self) -> list[str]:
        return [name for name, kind in self._plan.kinds.items() if kind == Kind.docker]

    def _shown(self, name: str, step: Callable[[], object]) -> Callable[[], None]:
        def do() -> None:
            with self._screen.step(name):
                step()

        return do

    def _look(self) -> None:
        if self._asked.times:
            raise Stopped

    def _phase(self, phase: str) -> None:
        with self._lock:
            self._started.phase = phase
            self._keep()

    def _note(self, name: str, running: Running) -> None:
        with self._lock, suppress(psutil.NoSuchProcess):
            self._started.processes[name] = started.identify(running.pid)
            self._keep()

    def _keep(self) -> None:
        with suppress(OSError):  # a disk that is full is no reason to stop, nor may it keep from stopping
            started.write(self._plan.data, self._started)


def _side_by_side(actions: Iterable[Callable[[], object]]) -> None:
    every = list(actions)
    if not every:
        return
    with ThreadPoolExecutor(len(every)) as pool:
        for done in [pool.submit(action) for action in every]:
            done.result()


def _sweep() -> None:
    """End the children that are left, with all they have started: nothing outlives the supervisor."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
