"""How good the default rule set is, on sessions of providers that it was not fitted to; and that it breaks no law."""

import re
from functools import cache
from random import Random

import pytest

from pulse.risk.anyhow import anyhow
from pulse.risk.judging import Judged, judge
from pulse.risk.laws import LAWS
from pulse.risk.population.sessions import sessions
from pulse.risk.rule_sets import rule_set
from tests.unit.test_risk_docs import PAGE, rows

CASES = 10_000


@cache
def judged() -> dict[str, Judged]:
    """What `pulse risk evaluate` tells, by score."""
    return {each.score: each for each in judge(rule_set(), list(sessions("evaluate", 20_000, 1))).scores}


def test_exits_and_programs_are_found_and_few_others() -> None:
    vpn, bot = judged()["vpn"], judged()["bot"]
    assert (vpn.auc >= 0.97, vpn.recall_at_1 >= 0.55, vpn.recall_at_5 >= 0.85) == (True, True, True)
    assert vpn.calibration_error <= 0.03
    assert bot.auc >= 0.98
    assert max(vpn.flagged_people["fixed"], vpn.flagged_people["mobile"]) <= 0.002
    assert max(vpn.flagged_networks["eyeball"], vpn.flagged_networks["mobile"]) <= 0.002
    assert max(vpn.flagged_people["relay"], vpn.flagged_networks["relay"]) <= 0.01


def test_the_figures_are_told() -> None:
    told = [row for row in rows("How it is fitted, and how good it is") if row[0] in judged()]
    assert told == [
        [
            each.score,
            f"{each.auc:.3f}",
            f"{each.recall_at_1:.2f}",
            f"{each.recall_at_5:.2f}",
            f"{each.calibration_error:.3f}",
        ]
        for each in judged().values()
    ]
    flagged = judged()["vpn"].flagged_people
    [shares] = re.findall(
        r"homes are flagged at (.*) %, phones at (.*) %, relays at (.*) %, and offices .* at (.*) %", PAGE
    )
    assert [float(share) for share in shares] == [
        *(round(100 * flagged[name], 2) for name in ("fixed", "mobile", "relay")),
        round(100 * flagged["office"]),
    ]


@pytest.mark.parametrize("law", LAWS)
def test_no_law_is_broken_by_any_of_many_devices(law: str) -> None:
    random = Random(law)
    broken = [how for _ in range(CASES) if (how := LAWS[law](rule_set(), anyhow(random), random))]
    assert broken == []
