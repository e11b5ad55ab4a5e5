"""What is told of a rule as a notice, and what a notice says of the rule's state."""

from typing import Any

from xxhash import xxh3_128_hexdigest

from pulse.alerting.rule import MOST_GROUPS, Rule
from pulse.alerting.site import Of, Told
from pulse.alerting.state import State, Status
from pulse.minute import MINUTE_MS
from pulse.notice import Notice

KIND = "alert."
"""What the kinds of these notices begin with."""
LEFT_OUT = f"; there are more than {MOST_GROUPS} groups, of the others nothing is known"


def notice_of(told: Told, now_ms: int) -> Notice:
    """The notice of a change; its id follows from rule, group, kind and the window that began it: its end and its length."""
    watched, group, change, seen = told[:4]
    window = watched.rule.window_minutes
    named = "\0".join((watched.id, group, change.kind, str(change.began), str(window)))
    data: dict[str, Any] = {
        "rule_id": watched.id,
        "rule": watched.name,
        "severity": watched.rule.severity,
        "metric": watched.rule.metric,
        "group_by": watched.rule.group_by,
        "group": group if watched.rule.group_by else group or None,
        "value": seen.value,
        "expected": {"low": seen.low, "high": seen.high},
        "window": {"start": (change.minute - window + 1) * MINUTE_MS, "end": (change.minute + 1) * MINUTE_MS},
        "began": (change.began + 1) * MINUTE_MS,
        "reason": told.why or reason(told),
    }
    if told.is_cut:
        data["groups_left_out"] = True
    return Notice(
        id=f"alert-{xxh3_128_hexdigest(named.encode())}",
        kind=KIND + change.kind,
        site_id=watched.site_id,
        at=now_ms,
        data=data,
    )


def reason(told: Told) -> str:
    """Why it is told, in words."""
    rule, seen = told.watched.rule, told.seen
    what = f"{_metric(rule)} in {_span(rule.window_minutes)}"
    if rule.group_by:
        what += f" of {rule.group_by} {told.group or 'unknown'}"
    value = "unknown" if seen.value is None else _number(seen.value)
    more = LEFT_OUT if told.is_cut else ""
    return f"{what}: {value}, {_condition(rule, told)}{more}"


def _condition(rule: Rule, told: Told) -> str:
    seen, condition = told.seen, rule.condition
    is_over = told.change.kind == "resolved"
    if condition.kind == "threshold":
        level = condition.value if not is_over or condition.resolve is None else condition.resolve
        return f"{'no longer ' if is_over else ''}{condition.operator} {_number(level)}"
    if condition.kind == "relative":
        against = {"previous": "the window before", "day": "a day before", "week": "a week before"}[condition.against]
        change = "unknown" if seen.score is None else f"{seen.score:+.1f} %"
        return f"{change} against {against}"
    if condition.kind == "anomaly":
        score = "unknown" if seen.score is None else f"{seen.score:+.1f}"
        return f"{'usual again' if is_over else 'unusual'} (score {score})"
    return "data comes again" if is_over else "nothing came"


def state_of(notice: Notice) -> tuple[Of, State] | None:
    """The state that a notice tells of, and of which rule and group; None for one that tells of none."""
    data = notice.data
    if not notice.kind.startswith(KIND) or data.get("test"):
        return None
    try:
        of = str(data["rule_id"]), str(data["group"] or "")
        minute, began = int(data["window"]["end"]) // MINUTE_MS - 1, int(data["began"]) // MINUTE_MS - 1
    except (KeyError, TypeError, ValueError):
        return None
    if notice.kind == "alert.resolved":
        return of, State(Status.ok, minute + 1, began)
    return of, State(Status.no_data if notice.kind == "alert.no_data" else Status.firing, minute, minute)


def _metric(rule: Rule) -> str:
    if rule.where.risk:
        return f"{rule.metric.removeprefix('risk_')} of {' or '.join(rule.where.risk)} risk"
    if rule.metric == "revenue":
        return f"revenue in {rule.currency}"
    if rule.metric == "ratio":
        return f"{', '.join(rule.of)} for each {', '.join(rule.over) or 'event'}"
    if rule.metric == "conversion":
        return f"conversion from {', '.join(rule.over)} to {', '.join(rule.of)}"
    if rule.metric == "vital":
        return f"75th percentile of {rule.vital}"
    if rule.metric == "lag":
        return "seconds that Pulse is behind"
    return rule.metric.replace("_", " ")


def _span(minutes: int) -> str:
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes % size == 0:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"


def _number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
