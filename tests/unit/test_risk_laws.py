"""What must hold of any device, whatever is true of it."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pulse.risk.anyhow import anyhow
from pulse.risk.evidence import OF_DEVICE, OPTIONAL, Evidence
from pulse.risk.laws import LAWS, OF_PUBLISHED, worse
from pulse.risk.rule_sets import RuleSet, rule_set
from pulse.risk.verdict import Verdict
from tests.unit.risk_evidence import ANY, evidence

BOUND = {"pulse-v1": tuple(LAWS), "pulsegate-v1": OF_PUBLISHED}


@pytest.mark.parametrize("name", BOUND)
@settings(max_examples=500)
@given(evidence=evidence, seed=st.integers(0, 2**32))
def test_laws_hold(name: str, evidence: Evidence, seed: int) -> None:
    told = {law: LAWS[law](rule_set(name), evidence, Random(seed)) for law in BOUND[name]}
    assert told == dict.fromkeys(BOUND[name], "")


def test_laws_are_tried_on_all_that_can_be_told() -> None:
    assert set(ANY) == set(OPTIONAL)
    random = Random(1)
    told = [anyhow(random) for _ in range(200)]
    assert all(any(getattr(each, name) is not None for each in told) for name in OPTIONAL)


class Wrong:
    """The default rule set, but that it is given other evidence."""

    name = version = "wrong"

    def __init__(self, fault: str) -> None:
        self._fault = fault

    def score(self, evidence: Evidence) -> Verdict:
        """What it says of evidence that it has spoiled."""
        return rule_set().score(self._spoiled(evidence))

    def _spoiled(self, evidence: Evidence) -> Evidence:
        match self._fault:
            case "refused consent never raises":
                return replace(evidence, consent=True)
            case "absence never raises":
                return evidence if evidence.network else replace(evidence, network="vpn")
            case "more never lowers":
                return replace(evidence, webdriver=not evidence.webdriver)
            case _:
                return replace(evidence, as_kind=None)


@pytest.mark.parametrize(
    "law",
    ["refused consent never raises", "absence never raises", "more never lowers", "exits of a provider are alike"],
)
def test_a_rule_set_that_breaks_a_law_is_found_out(law: str) -> None:
    wrong: RuleSet = Wrong(law)
    random = Random(1)
    assert any(LAWS[law](wrong, anyhow(random), random) for _ in range(1_000))


def test_points_that_do_not_add_up_are_found_out() -> None:
    class Generous(Wrong):
        def score(self, evidence: Evidence) -> Verdict:
            verdict = rule_set().score(evidence)
            return replace(verdict, value=verdict.value + 1)

    random = Random(1)
    assert LAWS["reasons add up"](Generous(""), anyhow(random), random)


@settings(max_examples=100)
@given(evidence=evidence, seed=st.integers(0, 2**32))
def test_what_is_made_worse_is_evidence_still(evidence: Evidence, seed: int) -> None:
    made = worse(evidence, Random(seed))
    changed = [name for name in OPTIONAL if getattr(made, name) != getattr(evidence, name)]
    assert len(changed) <= 1


@settings(max_examples=100)
@given(evidence=evidence)
def test_without_consent_all_of_the_device_is_missing(evidence: Evidence) -> None:
    verdict = rule_set().score(replace(evidence, consent=False))
    assert set(OF_DEVICE) <= set(verdict.missing)
    given_ = rule_set().score(replace(evidence, consent=True))
    assert set(given_.missing) == {name for name in OPTIONAL if getattr(evidence, name) is None}
