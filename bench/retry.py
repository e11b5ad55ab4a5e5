"""Proof that the sink's committed offset never passes what is not stored: ClickHouse is taken away, the sink is killed and started.

`python -m bench retry [--timeout 120] [--embedded]`. Prints each step, and ends with 1 if one does not hold.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, TopicPartition

from bench.evidence import begin
from bench.stack import Layout, Stack, running
from pulse.topics import EVENTS
from tests.eventually import eventually

GROUP = "pulse-sink"
HELD_S = 8.0
"""For so long the offset is watched while it must not move."""


class Steps:
    """The steps of a proof: each is told, and whether it holds."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []

    def hold(self, what: str, holds: bool, **seen: Any) -> None:
        """Note a step."""
        self.taken.append({"step": what, "holds": holds, **seen})
        print(f"{'holds' if holds else 'FAILS'}: {what}  {seen}", flush=True)

    @property
    def all_hold(self) -> bool:
        """Whether every step holds."""
        return all(step["holds"] for step in self.taken)


def main(words: list[str]) -> int:
    """Prove it; 1 if a step does not hold."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--timeout", type=float, default=120, help="seconds that each step may take")
    options.add_argument("--embedded", action="store_true")
    options.add_argument("--label", default="")
    asked = options.parse_args(words)
    evidence = begin("retry", asked)
    steps = Steps()
    with running(Layout(embedded=asked.embedded, partitions=1)) as stack:
        prove(stack, steps, asked.timeout)
    evidence.raw("steps", {"steps": steps.taken, "all_hold": steps.all_hold})
    evidence.figure("the committed offset never passes what is not stored", "", "steps", "all_hold")
    return 0 if steps.all_hold else 1


def prove(stack: Stack, steps: Steps, timeout: float) -> None:
    """The steps, one after the other."""
    product = stack.product
    send(stack, "before")
    stack.drained(timeout)
    start = committed(stack)
    steps.hold("an event is stored, and its offset committed", stored(stack, "before") == 1, committed=start)
    product.stop("clickhouse")
    send(stack, "while away")
    reached = eventually_past(stack, start, timeout)
    steps.hold("while the store is away the event is in the log", reached, end=end(stack))
    steps.hold("the offset does not pass it", holds_still(lambda: committed(stack), start), committed=committed(stack))
    product.kill("sink")
    product.start("sink")
    steps.hold("nor after the sink was killed and started", holds_still(lambda: committed(stack), start))
    product.start("clickhouse")
    product.ready(timeout)
    stack.drained(timeout)
    steps.hold("once the store is back it is stored, once", stored(stack, "while away") == 1)
    after = committed(stack)
    steps.hold("and the offset advances past it", after >= end(stack) > start, committed=after)


def send(stack: Stack, name: str) -> None:
    """One event that is accepted."""
    answer = stack.product.send([{"event": name, "event_id": str(uuid4()), "visitor_id": "v"}])
    assert answer.status_code == 202, answer.text


def stored(stack: Stack, name: str) -> int:
    """How many rows an event of this name has."""
    return int(stack.ask("SELECT count() FROM events WHERE event = {name:String}", name=name)[0][0])


def committed(stack: Stack) -> int:
    """The sink's committed offset in `pulse.events`."""
    return _asked(stack, lambda consumer: consumer.committed([TopicPartition(EVENTS, 0)], timeout=10)[0].offset)


def end(stack: Stack) -> int:
    """The offset after the last record of `pulse.events`."""
    return _asked(stack, lambda consumer: consumer.get_watermark_offsets(TopicPartition(EVENTS, 0), timeout=10)[1])


def eventually_past(stack: Stack, offset: int, within: float) -> bool:
    """Whether the log comes to reach beyond an offset."""
    return bool(eventually(lambda: end(stack) > offset, within=within, every=0.2))


def holds_still(look: Callable[[], int], at: int) -> bool:
    """Whether a number stays what it is for a while."""
    deadline = time.monotonic() + HELD_S
    while time.monotonic() < deadline:
        if look() != at:
            return False
        time.sleep(0.5)
    return True


def _asked(stack: Stack, ask: Callable[[Consumer], int]) -> int:
    consumer = Consumer({"bootstrap.servers": stack.product.url("kafka"), "group.id": GROUP})
    try:
        return ask(consumer)
    finally:
        consumer.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
