"""The kinds of notices: all that are told, and what a word that is none may mean."""

from itertools import product
from typing import get_args, get_type_hints

import pytest

from api.delivery.teller import DISABLED
from api.query.deliveries import TEST
from pulse.alerting.state import Change
from pulse.alerting.telling import KIND
from pulse.digest.notice import PREFIX
from pulse.digest.period import KINDS as PERIODS
from pulse.leads.notice import CREATED, FORWARDED
from pulse.outbound.kinds import EVERY, FAMILIES, KINDS, fault_of
from pulse.risk.notice import HIGH


def test_all_that_is_told_is_known_and_nothing_else() -> None:
    alerts = [KIND + told for told in get_args(get_type_hints(Change)["kind"])]
    summaries = [PREFIX + period for period in PERIODS]
    assert sorted(KINDS) == sorted([*alerts, *summaries, "import.done", CREATED, FORWARDED, HIGH, DISABLED, TEST])
    assert not any(map(fault_of, (*KINDS, *FAMILIES, EVERY)))


@pytest.mark.parametrize(
    ("kind", "meant"),
    [
        ("alerts", "alert"),
        ("alert.fired", "alert.firing"),
        ("imports", "import"),
        ("risk.hihg", "risk.high"),
        ("summary.daily", "summary.day"),
        ("webhooks.disabled", "webhook.disabled"),
    ],
)
def test_a_word_beside_a_kind_is_told_what_it_may_mean(kind: str, meant: str) -> None:
    assert fault_of(kind) == f"is no kind of notices; did you mean {meant}?"


def test_a_word_that_is_like_none_is_told_all_of_them() -> None:
    assert fault_of("nope").startswith("is none of *, alert, import, lead, risk, summary, webhook, alert.firing")
    for family, kind in product(FAMILIES, ("x", "")):
        assert fault_of(f"{family}.{kind}")
