"""What a rule set says of a device: scores of 0 to 100, with the reasons that add up to them."""

from typing import Literal

from msgspec import Struct

from pulse.risk.evidence import Evidence

Confidence = Literal["low", "medium", "high"]
Band = Literal["low", "elevated", "high", "critical"]

BANDS: tuple[tuple[float, Band], ...] = ((85, "critical"), (60, "high"), (25, "elevated"))


class Reason(Struct, frozen=True, gc=False):
    """A code and what it adds: points of the score, and log-odds in nats where the rule set has such."""

    code: str
    points: float
    log_odds: float | None = None


class Score(Struct, frozen=True, gc=False):
    """One score. `base` and the points of its reasons add up to `value`, which `score` is rounded of."""

    score: int
    value: float
    base: float
    reasons: tuple[Reason, ...]
    confidence: Confidence
    log_odds: float | None = None
    base_log_odds: float | None = None


class Verdict(Struct, frozen=True, gc=False):
    """What is said of a device. The points of `reasons` add up to `value`, which `risk` is rounded of."""

    rule_set: str
    version: str
    risk: int
    value: float
    band: Band
    confidence: Confidence
    reasons: tuple[Reason, ...]
    scores: dict[str, Score]
    missing: tuple[str, ...]
    data_age_days: float | None


def band_of(value: float) -> Band:
    """The band of a risk of 0 to 100."""
    return next((band for least, band in BANDS if value >= least), "low")


def data_age(evidence: Evidence) -> float | None:
    """How old the lists are that the verdict rests on, in days; None if none were asked."""
    return None if evidence.network is None else evidence.network_age_days
