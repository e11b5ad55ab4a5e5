"""Doing steps as soon as what they need is done, side by side."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from graphlib import TopologicalSorter

LOOK_S = 0.1


def run(
    steps: Mapping[str, Callable[[], object]],
    needs: Mapping[str, Iterable[str]],
    look: Callable[[], None] = lambda: None,
) -> None:
    """Do all steps, each once those that it needs are done; a need that is no step counts as done.

    `look` is called every 0.1 s and may raise. The first error of `look` or of a step is raised at once: no further
    step begins, but those that are under way are not waited for.
    """
    waiting = TopologicalSorter({name: [n for n in needs.get(name, ()) if n in steps] for name in steps})
    waiting.prepare()
    pool = ThreadPoolExecutor(max_workers=max(len(steps), 1), thread_name_prefix="start")
    running: dict[Future[object], str] = {}
    try:
        while waiting.is_active():
            running |= {pool.submit(steps[name]): name for name in waiting.get_ready()}
            done, _ = wait_for(running, LOOK_S, FIRST_COMPLETED)
            look()
            for future in done:
                future.result()
                waiting.done(running.pop(future))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
