"""What a rule would have told: the same evaluation over minutes that are stored."""

from collections.abc import Iterable
from dataclasses import replace

from pulse.alerting.rule import Anomaly, Rule
from pulse.alerting.site import Site, Told
from pulse.alerting.watched import Watched
from pulse.alerting.windows import Answer
from pulse.errors import QueryError
from pulse.minute import Partial

MOST_LOOKS = 500_000
"""Minutes times groups, times the weight of a look, of one back-test: some tens of seconds of work."""
ANOMALY_WEIGHT = 20
"""A look at an anomaly reads two weeks, others a window or two. So one group may still be tried over 14 days."""


def backtest(watched: Watched, partials: Iterable[Partial], first: int, last: int) -> list[Told]:
    """What a rule would have told from one minute to another, both included; raises QueryError if that is too much work.

    Each minute counts as it stands now, late events included. The rule counts as not muted and as depending on none.
    """
    rule = watched.rule.model_copy(update={"depends_on": None})
    alone = replace(watched, rule=rule, begins=first, muted=False, snoozed_until=0, is_on=True)
    most = demand_bearable(rule, last - first + 1)
    site = Site([alone], beyond=last - first + 1)
    [tally] = site.tallies.values()
    for partial in partials:
        site.add(partial)
        if len(tally.groups) > most:
            raise _too_much(most)
    return [told for minute in range(first, last + 1) for told in site.close(minute)]


def backtest_asked(watched: Watched, answer: Answer, first: int, last: int) -> list[Told]:
    """The same of a rule on stored events; its windows from the first minute to the last must be in the answer."""
    most = demand_bearable(watched.rule, last - first + 1)
    if len(answer.groups) > most:
        raise _too_much(most)
    rule = watched.rule.model_copy(update={"depends_on": None})
    site = Site([replace(watched, rule=rule, begins=first, muted=False, snoozed_until=0, is_on=True)])
    site.take({watched.question: answer})
    return [told for minute in range(first, last + 1) for told in site.close_asked(minute, (rule.metric,))]


def demand_bearable(rule: Rule, minutes: int) -> int:
    """How many groups of a rule one back-test may try over so many minutes; raises QueryError if it may not try one."""
    most = MOST_LOOKS // (minutes * weight_of(rule))
    if most < 1:
        raise QueryError("so many minutes are too much for one back-test: ask for fewer days")
    return most


def _too_much(most: int) -> QueryError:
    return QueryError(
        f"more than {most} groups over so many minutes are too much for one back-test: ask for fewer days"
    )


def weight_of(rule: Rule) -> int:
    """What a look costs, as a multiple of one at a threshold."""
    return ANOMALY_WEIGHT if isinstance(rule.condition, Anomaly) else 1
