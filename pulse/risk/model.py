"""A rule set of weights: grouped log-odds, calibrated, with reasons that add up. Formulas: docs/risk.md."""

from functools import cache, lru_cache
from math import exp, expm1, log1p
from operator import itemgetter
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from pulse.risk.adding import GROUP_OF, Parts, grouped, parts_of
from pulse.risk.code import CODES, SCORES
from pulse.risk.evidence import Evidence
from pulse.risk.looked import looked
from pulse.risk.signs import signs_of
from pulse.risk.verdict import Confidence, Reason, Score, Verdict, band_of

Weight = Annotated[float, Meta(ge=0, le=20)]
Share = Annotated[float, Meta(ge=0, lt=1)]

CONDUCT = frozenset(code for code, group in GROUP_OF.items() if group.is_conduct)
BY_CONDUCT = frozenset(("proxy", "bot", "tamper"))
"""Scores that enter the risk only by what a device does: where it comes from is counted by the others."""
SURE = 2.2
LIKELY = 1.0
TINY = 1e-9
REMEMBERED = 8_192
"""Verdicts: many devices bear the same signs."""


class Weights(Struct, frozen=True, forbid_unknown_fields=True):
    """Of one score: log-odds are slope·(base + Σ weight·sign) + shift, in nats."""

    base: float
    weights: dict[str, Weight]
    slope: Annotated[float, Meta(gt=0)] = 1.0
    shift: float = 0.0


class Parameters(Struct, frozen=True, forbid_unknown_fields=True):
    """A versioned file of weights."""

    name: str
    version: str
    about: str
    risk: dict[str, Share]
    """What a score of 100 alone makes of the risk."""
    scores: dict[str, Weights]


class Part(NamedTuple):
    """What one score adds to the risk, as −ln(1 − share·p): in all, and by code."""

    all: float
    codes: Parts


NONE = Part(0.0, {})


class Model:
    """Scores evidence by weights."""

    def __init__(self, parameters: Parameters) -> None:
        self.name = parameters.name
        self.version = parameters.version
        self.parameters = parameters
        self._unspoken = cache(lambda name, seen: told(parameters.scores[name], {}, seen))
        self._of_signs = lru_cache(maxsize=REMEMBERED)(self._verdict)
        self._scores = [(name, parameters.scores[name], parameters.risk[name]) for name in SCORES]

    def score(self, evidence: Evidence) -> Verdict:
        """What this rule set says of a device; the same evidence is always told the same."""
        seen, missing = looked(evidence)
        age = None if evidence.network is None else evidence.network_age_days
        return self._of_signs(tuple(signs_of(evidence).items()), seen, missing, age)

    def _verdict(
        self, strengths: tuple[tuple[str, float], ...], seen: int, missing: tuple[str, ...], age: float | None
    ) -> Verdict:
        """What is said of signs, by what was looked at and how old the lists are, in days; None if none were asked."""
        signs = dict(strengths)
        groups = grouped(signs)
        scores, parts, leading, most = {}, [], "", -1.0
        for name, weights, share in self._scores:
            found = {} if weights.weights.keys().isdisjoint(signs) else parts_of(weights.weights, groups, age or 0.0)
            scores[name] = told(weights, found, seen) if found else self._unspoken(name, seen)
            part = risk_part(weights, share, found, name in BY_CONDUCT) if found else NONE
            parts.append(part)
            if part.all > most:
                leading, most = name, part.all
        value, reasons = combined(parts)
        return Verdict(
            self.name,
            self.version,
            round(value),
            value,
            band_of(value),
            scores[leading].confidence,
            reasons,
            scores,
            missing,
            age,
        )


def told(weights: Weights, found: Parts, seen: int) -> Score:
    """One score with its reasons; `seen` is how many groups of signs were looked at."""
    slope, start = weights.slope, weights.slope * weights.base + weights.shift
    odds = start + slope * sum(found.values())
    before, value = 100 * sigmoid(start), 100 * sigmoid(odds)
    rate = _rate(value - before, odds - start, before * (1 - before / 100))
    parts = sorted(found.items(), key=_by_part, reverse=True) if len(found) > 1 else found.items()
    reasons = tuple([Reason(code, slope * part * rate, slope * part) for code, part in parts])
    return Score(round(value), value, before, reasons, confidence(odds, found, seen), odds, start)


def confidence(log_odds: float, found: Parts, seen: int) -> Confidence:
    """High if at least two groups of signs say so and the odds are 9 to 1, medium from e to 1 on."""
    speaking = len({CODES[code].group for code in found}) if len(found) > 1 else len(found)
    agreeing = speaking if log_odds > 0 else seen - speaking
    if abs(log_odds) > SURE and agreeing >= 2:
        return "high"
    return "medium" if abs(log_odds) > LIKELY and agreeing >= 1 else "low"


def risk_part(weights: Weights, share: float, found: Parts, by_conduct: bool) -> Part:
    """What a score adds to the risk: the probability beyond that without evidence, as a share of what is left."""
    codes = {code: part for code, part in found.items() if code in CONDUCT} if by_conduct else found
    total = weights.slope * sum(codes.values())
    if total < TINY:
        return NONE
    start = weights.slope * weights.base + weights.shift
    none = sigmoid(start)
    hazard = -log1p(-share * (sigmoid(start + total) - none) / (1 - none))
    rate = weights.slope * hazard / total
    return Part(hazard, {code: part * rate for code, part in codes.items()})


def combined(parts: list[Part]) -> tuple[float, tuple[Reason, ...]]:
    """The risk, 100·(1 − Π(1 − share·p)), and what each code adds to it."""
    hazard = sum(part.all for part in parts)
    value = -100 * expm1(-hazard)
    rate = value / hazard if hazard > TINY else 100.0
    codes: Parts = {}
    for part in parts:
        for code, amount in part.codes.items():
            codes[code] = codes.get(code, 0.0) + amount
    return value, tuple(
        Reason(code, amount * rate) for code, amount in sorted(codes.items(), key=_by_part, reverse=True)
    )


def sigmoid(log_odds: float) -> float:
    """The probability of some log-odds."""
    if log_odds >= 0:
        return 1 / (1 + exp(-log_odds))
    raised = exp(log_odds)
    return raised / (1 + raised)


def _rate(rise: float, run: float, at_start: float) -> float:
    """The mean slope of a curve; its slope at the start where there is nothing to divide by."""
    return rise / run if run > TINY else at_start


_by_part = itemgetter(1)
