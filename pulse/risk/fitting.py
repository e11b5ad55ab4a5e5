"""Weights fitted to labelled sessions: no sign changes its direction, and what the sessions do not tell stays as it was."""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from pulse.errors import PulseError
from pulse.risk.adding import Grouped, grouped, parts_of
from pulse.risk.bounded import Column, Matrix, Problem, fitted
from pulse.risk.model import Parameters, Weights
from pulse.risk.population.labelled import Labelled
from pulse.risk.signs import signs_of

ROUNDS = 6
LEAST = 0.01
"""No sign is ever taken for nothing, so that it can come back."""
MOST = 6.0
"""Nats; more where the prior says so."""
PULL = 0.003
"""Of the prior, as if so many of all sessions spoke for it."""
FEW = 30
"""Sessions of a score without which its weights stay as they are."""


def fit(
    prior: Parameters, name: str, version: str, learnt: Sequence[Labelled], calibrated: Sequence[Labelled]
) -> Parameters:
    """Weights fitted on `learnt` and calibrated on `calibrated`, which share no provider; raises PulseError if they do."""
    shared = {each.provider for each in learnt} & {each.provider for each in calibrated}
    if shared:
        raise PulseError(f"{', '.join(sorted(shared))} both fitted and calibrated on: split by provider")
    learnt_groups = [grouped(signs_of(each.evidence)) for each in learnt]
    other_groups = [grouped(signs_of(each.evidence)) for each in calibrated]
    scores = {}
    for score, weights in prior.scores.items():
        learning = weighed(weights, learnt_groups, _truth(score, learnt))
        scores[score] = calibrate(learning, other_groups, _truth(score, calibrated))
    about = f"Fitted on {len(learnt):,} sessions and calibrated on {len(calibrated):,} of other providers."
    return replace(prior, name=name, version=version, about=about, scores=scores)


def weighed(prior: Weights, groups: Sequence[Grouped], truth: Column) -> Weights:
    """The weights of one score; as they were where too few sessions tell of it.

    Which sign of a group counts depends on the weights: they are fitted with that held fixed, a few times over.
    """
    if _too_few(truth):
        return prior
    codes = list(prior.weights)
    before = start = np.array([prior.base, *prior.weights.values()])
    pull = np.array([0.0, *[PULL] * len(codes)])
    least = np.array([prior.base, *[LEAST] * len(codes)])
    most = np.array([0.0, *(max(MOST, weight) for weight in prior.weights.values())])
    weights = prior
    for _ in range(ROUNDS):
        start = fitted(Problem(_matrix(weights, codes, groups), truth, before, pull), start, least, most)
        base, *found = map(float, start)
        weights = replace(prior, base=base, weights=dict(zip(codes, found, strict=True)))
    return weights


def calibrate(weights: Weights, groups: Sequence[Grouped], truth: Column) -> Weights:
    """Slope and shift that make its chances true of these sessions (Platt 1999)."""
    if _too_few(truth):
        return weights
    odds = np.array([weights.base + sum(parts_of(weights.weights, each).values()) for each in groups])
    start = np.array([1.0, 0.0])
    problem = Problem(np.column_stack([odds, np.ones_like(odds)]), _smoothed(truth), start, np.zeros(2))
    slope, shift = fitted(problem, start, np.array([0.1, -20.0]), np.array([5.0, 20.0]))
    return rounded(replace(weights, slope=float(slope), shift=float(shift)))


def rounded(weights: Weights) -> Weights:
    """To three decimals, which is more than sessions can tell."""
    return Weights(
        base=round(weights.base, 3),
        weights={code: round(weight, 3) for code, weight in weights.weights.items()},
        slope=round(weights.slope, 3),
        shift=round(weights.shift, 3),
    )


def _matrix(weights: Weights, codes: Sequence[str], groups: Sequence[Grouped]) -> Matrix:
    """A row for each session: one, then what each code's weight is multiplied with."""
    column = {code: number for number, code in enumerate(codes, 1)}
    matrix = np.zeros((len(groups), len(codes) + 1))
    matrix[:, 0] = 1
    for row, each in zip(matrix, groups, strict=True):
        for code, part in parts_of(weights.weights, each).items():
            row[column[code]] = part / weights.weights[code]
    return matrix


def _truth(score: str, labelled: Sequence[Labelled]) -> Column:
    return np.array([float(score in each.truth) for each in labelled])


def _too_few(truth: Column) -> bool:
    return bool(min(truth.sum(), len(truth) - truth.sum()) < FEW)


def _smoothed(truth: Column) -> Column:
    """Platt's targets: a share of doubt, so that no chance is 0 or 1."""
    positives = truth.sum()
    negatives = len(truth) - positives
    return np.asarray(np.where(truth > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2)))
