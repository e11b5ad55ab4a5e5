"""Fitting: measures, bounds, the division by provider, and what comes of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.errors import PulseError
from pulse.risk.bounded import Problem, fitted
from pulse.risk.fitting import MOST, fit
from pulse.risk.judging import judge
from pulse.risk.measures import auc, calibration_error, recall_at
from pulse.risk.model import Model
from pulse.risk.population.dividing import divided
from pulse.risk.population.labelled import Labelled
from pulse.risk.population.sessions import sessions
from pulse.risk.rule_sets import PRIOR, shipped

SCORED = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40).filter(
    lambda pairs: len({truth for _, truth in pairs}) == 2
)


@given(SCORED)
def test_auc_is_the_share_of_pairs_in_order(pairs: list[tuple[int, bool]]) -> None:
    good = [value for value, truth in pairs if truth]
    bad = [value for value, truth in pairs if not truth]
    wins = [1.0 if one > other else 0.5 if one == other else 0.0 for one in good for other in bad]
    found = auc([float(value) for value, _ in pairs], [truth for _, truth in pairs])
    assert found == pytest.approx(sum(wins) / len(wins))


@given(SCORED, st.sampled_from([0.01, 0.05, 0.5]))
def test_a_threshold_flags_no_more_innocents_than_it_may(pairs: list[tuple[int, bool]], share: float) -> None:
    values, truth = [float(value) for value, _ in pairs], [is_so for _, is_so in pairs]
    recall, threshold = recall_at(values, truth, share)
    innocents = [value > threshold for value, is_so in pairs if not is_so]
    assert sum(innocents) <= share * len(innocents)
    assert recall == pytest.approx(np.mean([value > threshold for value, is_so in pairs if is_so]))


def test_chances_that_come_true_as_often_as_said_are_calibrated() -> None:
    assert calibration_error([0.25] * 4, [True, False, False, False]) == pytest.approx(0)
    assert calibration_error([0.9] * 4, [True, False, False, False]) == pytest.approx(0.65)
    assert calibration_error([0.05, 0.95], [False, True]) == pytest.approx(0.05)


@given(st.integers(0, 2**16))
def test_no_weight_within_bounds_is_better_than_the_fitted_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    signs = np.column_stack([np.ones(200), random.integers(0, 2, (200, 3))]).astype(float)
    truth = (random.random(200) < 1 / (1 + np.exp(-signs @ [-1.0, 2.0, -1.5, 0.5]))).astype(float)
    problem = Problem(signs, truth, np.zeros(4), np.array([0.0, 0.01, 0.01, 0.01]))
    least, most = np.array([-9.0, 0, 0, 0]), np.array([0.0, 1.0, 6, 6])
    best = fitted(problem, np.zeros(4), least, most)
    assert (best >= least).all()
    assert (best <= most).all()
    for _ in range(20):
        other = np.clip(best + random.normal(0, 0.2, 4), least, most)
        assert problem.loss(best) <= problem.loss(other) + 1e-9


def test_a_fit_of_few_sessions_is_nearly_as_good_and_within_its_bounds() -> None:
    learnt, calibrated = list(sessions("fit", 4_000, 3)), list(sessions("calibrate", 4_000, 3))
    prior = shipped(PRIOR)
    made = fit(prior, "mine", "7", learnt, calibrated)
    assert (made.name, made.version) == ("mine", "7")
    for name, weights in made.scores.items():
        began = prior.scores[name]
        assert weights.base >= began.base
        assert all(0 < weight <= max(MOST, began.weights[code]) for code, weight in weights.weights.items())
    found = {each.score: each for each in judge(Model(made), list(sessions("evaluate", 4_000, 3))).scores}
    assert found["vpn"].auc >= 0.97
    assert found["vpn"].calibration_error <= 0.03
    assert found["bot"].auc >= 0.98


def test_what_sessions_do_not_tell_stays_as_published() -> None:
    made = fit(shipped(PRIOR), "mine", "1", list(sessions("fit", 2_000, 5)), list(sessions("evaluate", 2_000, 5)))
    for code in ("LEAK_WEBRTC", "TCP_SYSTEM", "VEL_CROWD", "BOT_SPOOFED"):
        assert made.scores["bot"].weights[code] == pytest.approx(shipped(PRIOR).scores["bot"].weights[code], abs=1e-3)


def test_a_provider_on_both_sides_is_refused() -> None:
    known = list(sessions("fit", 1_000, 1))
    with pytest.raises(PulseError, match="both fitted and calibrated on"):
        fit(shipped(PRIOR), "mine", "1", known, known)


def test_sessions_are_divided_by_provider() -> None:
    known = list(sessions("evaluate", 2_000, 1))
    learnt, calibrated = divided(known)
    assert len(learnt) + len(calibrated) == len(known)
    assert not {each.provider for each in learnt} & {each.provider for each in calibrated}
    with pytest.raises(PulseError, match="sessions of 1 providers cannot be divided"):
        divided([Labelled(evidence=known[0].evidence, provider="one")])


def test_the_same_seed_makes_the_same_sessions() -> None:
    one, other = (list(sessions("evaluate", 100, 7)) for _ in range(2))
    assert one == other != list(sessions("evaluate", 100, 8))


def test_as_many_consent_as_are_said_to() -> None:
    made = [each.evidence.consent for each in sessions("evaluate", 2_000, 1, consent=0.3)]
    assert 0.25 < sum(made) / len(made) < 0.35
