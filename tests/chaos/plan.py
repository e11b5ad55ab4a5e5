"""What is to go wrong and when, from a seed alone: the same seed gives the same plan."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

SEVERAL = 0.2
"""How many of the faults strike two parts at once."""


class How(Enum):
    """What is done to a part."""

    kill = "kill -9"
    stop = "SIGTERM"
    freeze = "SIGSTOP"


@dataclass(frozen=True)
class Hit:
    """One part, what is done to it, and for how many seconds it is away."""

    target: str
    how: How
    seconds: float

    def __str__(self) -> str:
        return f"{self.how.value} of {self.target} for {self.seconds:.1f} s"


@dataclass(frozen=True)
class Fault:
    """What happens at once, so many seconds after the fault before it is over."""

    number: int
    pause: float
    hits: tuple[Hit, ...]

    def __str__(self) -> str:
        return f"fault {self.number}, {self.pause:.1f} s later: {' and '.join(map(str, self.hits))}"


def faults(seed: int, targets: Sequence[str]) -> Iterator[Fault]:
    """Faults without end: every target is struck before one is struck again, some two at once, never two Kafka nodes."""
    dice = random.Random(f"faults {seed}")
    deck: list[str] = []
    for number in range(1, 1_000_000):
        first = _draw(dice, deck, targets)
        struck = [first]
        if dice.random() < SEVERAL:
            second = _draw(dice, deck, targets)
            if second != first and not all(name.startswith("kafka") for name in (first, second)):
                struck.append(second)
            else:
                deck.append(second)
        yield Fault(number, dice.uniform(0.5, 3), tuple(_hit(dice, target) for target in struck))


def rebalances(seed: int, targets: Sequence[str]) -> Iterator[Fault]:
    """Members of the groups that go and come back every few seconds, without end."""
    dice = random.Random(f"rebalances {seed}")
    for number in range(1, 1_000_000):
        how = How.kill if dice.random() < 0.2 else How.stop
        yield Fault(number, dice.uniform(0.5, 2), (Hit(dice.choice(targets), how, dice.uniform(0.5, 4)),))


def _draw(dice: random.Random, deck: list[str], targets: Sequence[str]) -> str:
    if not deck:
        deck += dice.sample(targets, len(targets))
    return deck.pop()


def _hit(dice: random.Random, target: str) -> Hit:
    how = dice.choices([How.kill, How.stop, How.freeze], [3, 1, 2])[0]
    return Hit(target, how, dice.uniform(1, 12) if how is How.freeze else dice.uniform(0.3, 5))
