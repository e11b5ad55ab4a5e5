"""Funnels: who goes through steps one after another, how far, and how long it takes."""

from dataclasses import dataclass
from typing import Literal

from clickhouse.reports.field import field_of
from clickhouse.reports.filter import NOTHING, Filter
from clickhouse.reports.scope import Scope
from clickhouse.reports.source import TABLE
from pulse.errors import QueryError

Order = Literal["ordered", "strict", "any"]
Count = Literal["users", "visitors", "sessions", "totals"]

FEWEST_STEPS, MOST_STEPS = 2, 20
MOST_EXCLUSIONS = 10
SESSION_MS = 86_400_000
"""The longest that an attempt within one session may take."""
TOP_VALUES = 25
EDGES_S: tuple[int, ...] = (
    0,
    1,
    3,
    10,
    30,
    60,
    180,
    600,
    1_800,
    3_600,
    10_800,
    21_600,
    43_200,
    86_400,
    172_800,
    345_600,
)
EDGES_S += (604_800, 1_209_600, 2_592_000, 7_776_000)
"""Where the bins of a histogram begin, in seconds; the last has no end."""


@dataclass(frozen=True)
class Step:
    """An event that passes a filter; any event where none is named. An optional one may be left out."""

    event: str | None = None
    filter: Filter = NOTHING
    name: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Exclusion:
    """An event that ends an attempt which has reached `from_step` (1 is the first) and not yet `to_step`."""

    event: str | None
    from_step: int
    to_step: int
    filter: Filter = NOTHING


@dataclass(frozen=True)
class FunnelQuery:
    """The question. `scope` is when attempts begin; `window_ms` is None for within one session; `attribution` is 0 for the
    last step reached, else a step's number."""

    scope: Scope
    steps: tuple[Step, ...]
    window_ms: int | None
    order: Order = "ordered"
    exclusions: tuple[Exclusion, ...] = ()
    count: Count = "users"
    hold: str | None = None
    breakdown: str | None = None
    attribution: int = 1
    begins: tuple[int, ...] = ()
    build: int | None = None
    """Of which saved funnel's rows it is asked, None for the events themselves."""

    @property
    def longest_ms(self) -> int:
        """How long after its first step an attempt may still go on."""
        return SESSION_MS if self.window_ms is None else self.window_ms

    def before(self, step: int) -> int:
        """The step that another is compared with: the one before it that is not optional; the first with itself."""
        return next((n for n in range(step - 1, 0, -1) if not self.steps[n - 1].optional), 1)


@dataclass(frozen=True)
class Times:
    """How long it took, in seconds: half within `median`, nine of ten within `p90`; by bins, each by where it begins."""

    median: float
    p90: float
    bins: dict[int, int]


@dataclass(frozen=True)
class Reached:
    """How many reached a step, and how long it took them from the step before and from the first; None where none did."""

    count: int = 0
    unfinished: int = 0
    since_before: Times | None = None
    since_first: Times | None = None


Line = tuple[Reached, ...]
"""Each step of a funnel."""


@dataclass(frozen=True)
class FunnelAnswer:
    """The whole, by value of the breakdown (the largest first; None is all the others) and by the bucket of entry."""

    whole: Line
    values: tuple[tuple[str | None, Line], ...]
    buckets: dict[int, Line]
    rows_read: int
    source: str = TABLE


def demand(asked: FunnelQuery) -> None:
    """Raise QueryError, which says where, for a question that has no answer."""
    count = len(asked.steps)
    if not FEWEST_STEPS <= count <= MOST_STEPS:
        raise QueryError(f"steps: a funnel has {FEWEST_STEPS} to {MOST_STEPS}")
    if asked.steps[0].optional:
        raise QueryError("steps[0].optional: the first step begins the funnel and cannot be left out")
    if not 0 <= asked.attribution <= count:
        raise QueryError(f"attribution: the funnel has steps 1 to {count}")
    for where, field in (("hold", asked.hold), ("breakdown", asked.breakdown)):
        if field is not None:
            field_of(field, where)
    if asked.order == "any":
        _demand_any(asked)
    _demand_between(asked.exclusions, count)


def _demand_between(exclusions: tuple[Exclusion, ...], count: int) -> None:
    if len(exclusions) > MOST_EXCLUSIONS:
        raise QueryError(f"exclusions: are more than {MOST_EXCLUSIONS}")
    for n, exclusion in enumerate(exclusions):
        if not 1 <= exclusion.from_step < exclusion.to_step <= count:
            raise QueryError(f"exclusions[{n}]: from_step must come before to_step, both of 1 to {count}")


def _demand_any(asked: FunnelQuery) -> None:
    if asked.exclusions:
        raise QueryError("exclusions: steps in any order have none between them")
    for n, step in enumerate(asked.steps):
        if step.optional:
            raise QueryError(f"steps[{n}].optional: in any order the steps are counted, none is optional")
        same = [(other.event, other.filter) for other in asked.steps[:n]]
        if (step.event, step.filter) in same:
            raise QueryError(f"steps[{n}]: is the same as another; in any order each must be a different one")
