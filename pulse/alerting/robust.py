"""Robust statistics: median and median absolute deviation, which a few outliers do not move."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

NORMAL = 1.4826
"""By which the median absolute deviation of a normal distribution becomes its standard deviation (Rousseeuw and Croux 1993)."""

Samples = npt.NDArray[np.float64]


class Usual(NamedTuple):
    """What is usual, and by how much it spreads."""

    middle: float
    spread: float

    def score(self, value: float) -> float:
        """How many spreads a value lies from the middle (the modified z-score of Iglewicz and Hoaglin 1993)."""
        return (value - self.middle) / self.spread if self.spread > 0 else 0.0


def usual(samples: Samples, least_spread: float = 0.0) -> Usual:
    """The median of some samples and their deviation, which counts for at least so much."""
    middle = float(np.median(samples))
    deviation = float(np.median(np.abs(samples - middle))) * NORMAL
    return Usual(middle, max(deviation, least_spread))
