"""The order in which `pulse down` ends what a killed `pulse up` left running."""

import os

from pulse.command.down import left
from pulse.started import Started, identify


def test_what_tells_ends_after_what_it_tells_of_and_before_the_store_is_closed() -> None:
    own = identify(os.getpid())
    names = ("live", "sink", "delivery", "query", "collector", "alerts", "streams")
    processes = {name: type(own)(own.pid, own.created + number / 100) for number, name in enumerate(names)}
    found = left(Started(up=own, phase="ready", processes=processes))
    order = [next(name for name, process in processes.items() if process == each) for each in found]
    assert order == ["collector", "streams", "alerts", "delivery", "sink", "query", "live"]
