"""Labelled sessions divided by provider: rows of one provider are too alike to judge each other."""

from collections.abc import Sequence

from xxhash import xxh32_intdigest

from pulse.errors import PulseError
from pulse.risk.population.labelled import Labelled

Parts = tuple[list[Labelled], list[Labelled]]


def divided(labelled: Sequence[Labelled]) -> Parts:
    """Two thirds of the providers to learn from, one to calibrate on; raises PulseError if there are too few."""
    providers = sorted({each.provider for each in labelled}, key=lambda name: (xxh32_intdigest(name.encode()), name))
    if len(providers) < 3:
        raise PulseError(f"sessions of {len(providers)} providers cannot be divided: name at least 3 as `provider`")
    kept = set(providers[: len(providers) // 3])
    learnt = [each for each in labelled if each.provider not in kept]
    return learnt, [each for each in labelled if each.provider in kept]
