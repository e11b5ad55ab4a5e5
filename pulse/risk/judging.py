"""A rule set judged on labelled sessions."""

from collections import defaultdict
from collections.abc import Sequence

from msgspec import Struct

from pulse.risk.measures import auc, calibration_error, recall_at
from pulse.risk.population.labelled import Labelled
from pulse.risk.rule_sets import RuleSet

Flags = defaultdict[str, list[bool]]


class Judged(Struct, frozen=True):
    """How well one score tells its sessions from the others. Shares of 0 to 1."""

    score: str
    positives: int
    auc: float
    recall_at_1: float
    recall_at_5: float
    threshold: float
    """The score, 0 to 100, beyond which 1 % of the others are flagged: what the flagged shares are taken at."""
    calibration_error: float
    flagged_people: dict[str, float]
    """Whoever they are."""
    flagged_networks: dict[str, float]
    """Of those who are not what the score looks for, by the kind of their network."""


class Judgement(Struct, frozen=True):
    """A rule set on some sessions."""

    rule_set: str
    version: str
    sessions: int
    scores: list[Judged]


def judge(rules: RuleSet, labelled: Sequence[Labelled]) -> Judgement:
    """How well a rule set's scores agree with the truth; a score that no session ought to have is left out."""
    verdicts = [rules.score(each.evidence) for each in labelled]
    names = verdicts[0].scores if verdicts else ()
    judged = []
    for name in names:
        truth = [name in each.truth for each in labelled]
        if any(truth) and not all(truth):
            judged.append(_judged(name, [verdict.scores[name].value for verdict in verdicts], truth, labelled))
    return Judgement(rules.name, rules.version, len(labelled), judged)


def _judged(name: str, values: list[float], truth: list[bool], labelled: Sequence[Labelled]) -> Judged:
    at_1, at_5 = recall_at(values, truth, 0.01), recall_at(values, truth, 0.05)
    people: Flags = defaultdict(list)
    networks: Flags = defaultdict(list)
    for each, is_so, value in zip(labelled, truth, values, strict=True):
        people[each.people].append(value > at_1.threshold)
        if not is_so:
            networks[each.evidence.network or "not known"].append(value > at_1.threshold)
    return Judged(
        name,
        sum(truth),
        auc(values, truth),
        at_1.recall,
        at_5.recall,
        at_1.threshold,
        calibration_error([value / 100 for value in values], truth),
        _shares(people),
        _shares(networks),
    )


def _shares(flags: Flags) -> dict[str, float]:
    return {name: sum(each) / len(each) for name, each in sorted(flags.items())}
