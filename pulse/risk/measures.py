"""How good scores are: ranking, recall at few false alarms, calibration."""

from collections.abc import Sequence
from itertools import groupby
from math import nan
from typing import NamedTuple

BINS = 10


class Recall(NamedTuple):
    """The share of the positives found where at most a share of the negatives is flagged."""

    recall: float
    threshold: float
    """What is greater is flagged."""


def auc(values: Sequence[float], truth: Sequence[bool]) -> float:
    """The chance that a positive scores higher than a negative; ties count half (Mann and Whitney 1947). NaN for none."""
    positives = sum(truth)
    negatives = len(truth) - positives
    if not positives or not negatives:
        return nan
    below, won = 0, 0.0
    for _, alike in groupby(sorted(zip(values, truth, strict=True)), key=lambda pair: pair[0]):
        each = [is_so for _, is_so in alike]
        found = sum(each)
        others = len(each) - found
        won += found * (below + others / 2)
        below += others
    return won / (positives * negatives)


def recall_at(values: Sequence[float], truth: Sequence[bool], false_share: float) -> Recall:
    """The recall where at most `false_share` of the negatives score higher than the threshold; NaN without both."""
    positives = [value for value, is_so in zip(values, truth, strict=True) if is_so]
    negatives = sorted((value for value, is_so in zip(values, truth, strict=True) if not is_so), reverse=True)
    if not positives or not negatives:
        return Recall(nan, nan)
    threshold = negatives[int(false_share * len(negatives))]
    return Recall(sum(value > threshold for value in positives) / len(positives), threshold)


def calibration_error(chances: Sequence[float], truth: Sequence[bool]) -> float:
    """The expected calibration error over ten bins of equal width (Naeini et al. 2015); NaN of nothing."""
    said, was = [0.0] * BINS, [0.0] * BINS
    for chance, is_so in zip(chances, truth, strict=True):
        place = min(int(chance * BINS), BINS - 1)
        said[place] += chance
        was[place] += is_so
    return sum(map(abs, map(float.__sub__, said, was))) / len(truth) if truth else nan
