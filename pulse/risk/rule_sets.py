"""The rule sets by their names, each in one version: a changed one has a new name or a new version."""

from functools import cache
from pathlib import Path
from typing import Protocol

from msgspec import DecodeError, ValidationError, json

from pulse.errors import SettingError
from pulse.risk.code import CODES, SCORES
from pulse.risk.evidence import Evidence
from pulse.risk.model import Model, Parameters
from pulse.risk.pulsegate import NAME as PULSEGATE
from pulse.risk.pulsegate import PulseGate
from pulse.risk.verdict import Verdict

DEFAULT = "pulse-v1"
PRIOR = "pulse-prior"
NAMES = (DEFAULT, PULSEGATE)
HERE = Path(__file__).parent


class RuleSet(Protocol):
    """What makes a verdict of evidence."""

    name: str
    version: str

    def score(self, evidence: Evidence) -> Verdict:
        """What is said of a device."""


@cache
def rule_set(name: str = DEFAULT) -> RuleSet:
    """The rule set of this name; raises SettingError if there is none."""
    if name not in NAMES:
        raise SettingError(f"there is no rule set {name}: choose one of {', '.join(NAMES)}")
    return PulseGate() if name == PULSEGATE else Model(shipped(name))


def score(evidence: Evidence) -> Verdict:
    """What the default rule set says of a device."""
    return rule_set().score(evidence)


def shipped(name: str) -> Parameters:
    """The weights of this name that come with Pulse."""
    return parameters(HERE / f"{name}.json")


def parameters(file: Path) -> Parameters:
    """The weights in a file; raises SettingError if it holds none."""
    try:
        found = json.decode(file.read_bytes(), type=Parameters)
    except (OSError, DecodeError, ValidationError) as why:
        raise SettingError(f"{file} holds no weights of a rule set: {why}") from None
    lacking = [name for name in SCORES if name not in found.scores or name not in found.risk]
    if lacking:
        raise SettingError(f"{file} has no weights for {', '.join(lacking)}")
    unknown = {code for each in found.scores.values() for code in each.weights} - CODES.keys()
    if unknown:
        raise SettingError(f"{file} weighs {', '.join(sorted(unknown))}, which no sign is called")
    return found
