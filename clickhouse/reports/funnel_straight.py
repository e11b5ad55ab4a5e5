"""Attempts at a funnel whose steps follow one another and which nothing ends: told by a few passes over each unit's events.

Where no step is optional, no event is excluded and none is told of by its value, what follows an event is the next that fits,
and it needs neither keys nor lists of keys: this is what most funnels are, and takes a fifth of the time of what tells all.
"""

from collections.abc import Iterator

from clickhouse.reports.funnel import FunnelQuery
from clickhouse.reports.statement import text_of

MOST_STEPS = 6
"""Each pair of steps is a column: of more steps there would be more than is gained."""


def is_straight(asked: FunnelQuery) -> bool:
    """Whether a funnel's attempts can be told so."""
    return (
        asked.order == "ordered"
        and asked.count != "totals"
        and asked.breakdown is None
        and not asked.exclusions
        and len(asked.steps) <= MOST_STEPS
        and not any(step.optional for step in asked.steps)
    )


def straight(asked: FunnelQuery, inner: str, bits: int, is_apart: bool, choice: str) -> str:
    """The attempts that count out of each unit's packed events, with so many bits beside the moment.

    `is_apart` says that no event fits two steps: then the next that fits is another one.
    """
    count = len(asked.steps)
    for step in range(count, 1, -1):
        inner = text_of("funnel_onward", columns=", ".join(_onward(count, step, is_apart)), inner=inner)
    later = range(2, count + 1)
    return text_of(
        "funnel_straight",
        times=", ".join((_moment("items", bits), *(f"if(level < {n}, 0, {_moment(f'to2_{n}', bits)})" for n in later))),
        names=", ".join(("x", *(f"n{n}" for n in later))),
        columns=", ".join(("items", *(f"to2_{n}" for n in later))),
        bits=str(bits),
        level=_level(count, bits),
        choice=choice,
        inner=inner,
    )


def _onward(count: int, step: int, is_apart: bool) -> Iterator[str]:
    """For each event that with which the step is reached from there, and those with which the later ones are: another event where none is."""
    fits = f"bitAnd(x, {1 << step - 1}) != 0"
    found = {step: f"arrayReverseFill(x -> {fits}, items)"}
    for later in range(step + 1, count + 1):
        found[later] = f"arrayReverseFill((n, x) -> {fits}, to{step + 1}_{later}, items)"
    for later, events in found.items():
        own = events if is_apart else f"arrayResize(arrayPopFront({events}), length(items))"
        yield f"{own} AS to{step}_{later}"


def _level(count: int, bits: int) -> str:
    """How far an attempt gets that begins with the event x, and goes on with n2, n3, …, each as long as those before do."""
    until = f"bitShiftLeft(bitShiftRight(x, {bits}) + {{longest:UInt64}} + 1, {bits})"
    level = "1"
    for step in range(count, 1, -1):
        level = f"1 + (bitAnd(n{step}, {1 << step - 1}) != 0 AND n{step} < {until}) * ({level})"
    return level


def _moment(events: str, bits: int) -> str:
    return f"toInt64(bitShiftRight({events}[i], {bits}))"
