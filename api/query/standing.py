"""Where alert rules stand: from what they told last, as the store has it."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from anyio import move_on_after, to_thread

from api.control.model import AlertRule
from api.query.alertform import AlertStanding, Standing, told_standing
from api.query.parts import Parts
from clickhouse.alerting import Firing, firing
from clickhouse.bounded import Bounded
from pulse.errors import PulseError
from pulse.event import MAX_MS

WITHIN_S = 2
"""So long the store may take; the rules themselves do not wait for it any longer."""

log = logging.getLogger(__name__)


async def standing(parts: Parts, rules: Sequence[AlertRule]) -> list[AlertStanding]:
    """Rules with where each stands, by one question for all of them; unknown where the store does not answer in time."""
    found = await _firing(parts, {rule.site for rule in rules}) if rules else []
    if found is None:
        return [told_standing(rule, "unknown", None) for rule in rules]
    groups = Counter(each.rule_id for each in found)
    silent = {each.rule_id for each in found if each.is_silent}
    return [told_standing(rule, _state(rule, groups[rule.id], rule.id in silent), groups[rule.id]) for rule in rules]


async def _firing(parts: Parts, sites: Iterable[str]) -> list[Firing] | None:
    client = Bounded(parts.client, replace(parts.limits, seconds=WITHIN_S))
    try:
        with move_on_after(WITHIN_S):
            return await to_thread.run_sync(firing, client, sites, MAX_MS, abandon_on_cancel=True, limiter=parts.turns)
    except PulseError as why:
        log.warning("the states of alert rules are not known: %s", why)
    return None


def _state(rule: AlertRule, groups: int, is_silent: bool) -> Standing:
    if groups:
        return "no_data" if is_silent else "firing"
    return "ok" if rule.enabled else "off"
