"""Logistic regression with bounds on each weight and a pull towards a prior: convex, so there is one best answer."""

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Column = npt.NDArray[np.float64]

ROUNDS = 100
CLOSE = 1e-6
HALVINGS = 30
RIDGE = 1e-9
"""What keeps a step finite where signs always come together."""


class Problem:
    """Minimise the mean log loss plus ½·pull·(weight − prior)², a weight for each column of `signs`."""

    def __init__(self, signs: Matrix, truth: Column, prior: Column, pull: Column) -> None:
        self.signs, self.truth, self.prior, self.pull = signs, truth, prior, pull

    def loss(self, weights: Column) -> float:
        """What is to be least."""
        odds = self.signs @ weights
        lost = np.logaddexp(0, odds) - self.truth * odds
        return float(lost.mean() + 0.5 * (self.pull * (weights - self.prior) ** 2).sum())

    def slope(self, weights: Column) -> tuple[Column, Matrix]:
        """First and second derivatives."""
        chance = 1 / (1 + np.exp(-np.clip(self.signs @ weights, -40, 40)))
        count = len(self.truth)
        first = self.signs.T @ (chance - self.truth) / count + self.pull * (weights - self.prior)
        second = (self.signs.T * (chance * (1 - chance) / count)) @ self.signs + np.diag(self.pull + RIDGE)
        return first, second


def fitted(problem: Problem, start: Column, least: Column, most: Column) -> Column:
    """The best weights within bounds, by projected Newton steps (Bertsekas 1982)."""
    weights = np.clip(start, least, most)
    for _ in range(ROUNDS):
        first, second = problem.slope(weights)
        held = ((weights <= least) & (first > 0)) | ((weights >= most) & (first < 0))
        free = ~held
        step = np.zeros_like(weights)
        step[free] = np.linalg.solve(second[np.ix_(free, free)], first[free])
        new = _descended(problem, weights, step, least, most)
        if np.abs(new - weights).max() < CLOSE:
            return new
        weights = new
    return weights


def _descended(problem: Problem, weights: Column, step: Column, least: Column, most: Column) -> Column:
    """As much of the step as makes the loss less; where none does, the weights as they are."""
    before = problem.loss(weights)
    for _ in range(HALVINGS):
        new = np.clip(weights - step, least, most)
        if problem.loss(new) <= before:
            return new
        step = step / 2
    return weights
