"""Back-tests: what a rule would have told over the minutes that are stored."""

from dataclasses import replace

from api.query.alertform import Backtest, Expected, Firing
from clickhouse.alerting import Applied, dimensions_of, minutes
from clickhouse.client import Client
from clickhouse.windows import Asked, answered, begun
from pulse.alerting.backtest import backtest, backtest_asked, demand_bearable
from pulse.alerting.rule import DAY, LAG, MOST_GROUPS, Rule
from pulse.alerting.selector import selector_of
from pulse.alerting.site import Told
from pulse.alerting.telling import reason
from pulse.alerting.watched import Watched
from pulse.errors import QueryError
from pulse.minute import MINUTE_MS

MOST_TOLD = 1_000


def tried(client: Client, site_id: str, rule: Rule, days: int, now: int) -> Backtest:
    """Try a rule over so many days before now (ms since the epoch). Raises Unavailable, QueryError."""
    watched = Watched("trial", site_id, "trial", rule, selector_of(rule), 0)
    after = now // MINUTE_MS
    first = after - days * DAY
    if rule.metric == LAG:
        raise QueryError("rule.metric: how far Pulse was behind is not stored, so that a rule on lag cannot be tried")
    told = _of_store(client, watched, first, after) if rule.is_of_store else _of_minutes(client, watched, first, after)
    firings = _firings(told)
    return Backtest(fired=len(firings), from_ms=first * MINUTE_MS, to_ms=after * MINUTE_MS, firings=firings[:MOST_TOLD])


def _of_minutes(client: Client, watched: Watched, first: int, after: int) -> list[Told]:
    applied: Applied = {}
    since, by = first - watched.rule.reach - 1, dimensions_of([watched.selector])
    return backtest(watched, minutes(client, [watched.site_id], since, by, applied, after), first, after - 1)


def _of_store(client: Client, watched: Watched, first: int, after: int) -> list[Told]:
    most = min(demand_bearable(watched.rule, after - first) + 1, MOST_GROUPS)
    back = watched.rule.reach - watched.rule.window_minutes
    asked = Asked(watched.site_id, watched.question, (first - back, after - 1))
    [answer] = answered(client, [asked], most).values()
    begin = begun(client, [watched.site_id]).get(watched.site_id)
    return backtest_asked(watched, replace(answer, begin=begin), first, after - 1)


def _firings(told: list[Told]) -> list[Firing]:
    """What was told as firings, each with its end."""
    made: list[Firing] = []
    going: dict[str, Firing] = {}
    for each in told:
        moment = (each.change.minute + 1) * MINUTE_MS
        if each.change.kind == "resolved":
            going.pop(each.group).resolved = moment
            continue
        group = each.group if each.watched.rule.group_by else None
        seen = each.seen
        firing = Firing(
            group=group,
            fired=moment,
            value=seen.value,
            expected=Expected(low=seen.low, high=seen.high),
            reason=reason(each),
        )
        going[each.group] = firing
        made.append(firing)
    return made
