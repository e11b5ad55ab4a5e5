"""What a rule may not ask: conditions that can never be, or always are, and parts that contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pulse.alerting.rule import Rule

LONGEST_OF_STORE = 1_440
"""Minutes of a window that is read from the stored events at each look."""
OF_BANDS = ("risk_events", "visitors", "sessions")
"""Metrics of which bands of risk may be named."""
ANOMALIES_OF_STORE = ("risky_share", "vpn_share", "proxy_share", "tor_share")
"""Metrics of the stored events of which a window is compared with those of two weeks."""
OF_TWO = ("ratio", "conversion")
"""Metrics of which events are named above and below a line."""


class Fault(NamedTuple):
    """What is wrong with a rule: the part that it is told of, with dots, and why in words."""

    part: str
    why: str


def fault_of(rule: Rule) -> Fault | None:
    """What is wrong with a rule, None if nothing is."""
    return _metric(rule) or _group(rule) or _condition(rule)


def _metric(rule: Rule) -> Fault | None:
    return _money(rule) or _events(rule) or _bands(rule) or _of_store(rule)


def _money(rule: Rule) -> Fault | None:
    if rule.metric == "revenue" and rule.currency is None:
        return Fault("currency", "currency is required for revenue: sums over several currencies mean nothing")
    if rule.metric != "revenue" and rule.currency is not None:
        return Fault("currency", "currency is for revenue alone")
    return None


def _events(rule: Rule) -> Fault | None:
    if rule.metric == "ratio" and not rule.of:
        return Fault("of", "of is required for a ratio: the events above the line")
    if rule.metric == "conversion" and not (rule.of and rule.over):
        return Fault(
            "of" if rule.over else "over",
            "over and of are required for a conversion: the events that come first, and those that come after",
        )
    if rule.metric not in OF_TWO and (rule.of or rule.over):
        return Fault("of" if rule.of else "over", "of and over are for a ratio or a conversion alone")
    if rule.metric in OF_TWO and rule.where.events:
        return Fault("where.events", f"where.events is not for a {rule.metric}, whose events are named in of and over")
    if rule.metric in ("error_rate", "vital") and rule.where.events:
        return Fault("where.events", f"where.events is not for {rule.metric}, whose events are given")
    return None


def _bands(rule: Rule) -> Fault | None:
    if rule.metric == "risk_events" and not rule.where.risk:
        return Fault("where.risk", "where.risk is required for risk_events: the bands whose events count")
    if rule.metric not in OF_BANDS and rule.where.risk:
        return Fault("where.risk", f"where.risk is for {', '.join(OF_BANDS)} alone")
    return None


def _of_store(rule: Rule) -> Fault | None:
    if (rule.metric == "vital") != (rule.vital is not None):
        return Fault("vital", "vital is required for the metric vital, and is for it alone")
    if rule.is_of_minutes:
        return None
    if rule.window_minutes > LONGEST_OF_STORE:
        return Fault(
            "window_minutes",
            f"window_minutes of {rule.metric} is at most {LONGEST_OF_STORE}: each look reads the whole window",
        )
    if rule.condition.kind == "anomaly":
        return _anomaly_of_store(rule)
    if rule.metric != "lag":
        return None
    if rule.condition.kind == "relative":
        return Fault("condition", "relative is not for lag, which is compared with a number")
    if rule.group_by is not None or any(rule.where.model_dump().values()):
        return Fault(
            "group_by" if rule.group_by is not None else "where",
            "where and group_by are not for lag, which is of all events",
        )
    return None


def _anomaly_of_store(rule: Rule) -> Fault | None:
    if rule.metric not in ANOMALIES_OF_STORE:
        return Fault("condition", f"an anomaly is not for {rule.metric}: of it no two weeks of minutes are held")
    if rule.group_by is not None:
        return Fault("group_by", f"group_by is not for an anomaly of {rule.metric}, whose two weeks are asked for")
    return None


def _group(rule: Rule) -> Fault | None:
    if rule.metric == "ratio" and rule.group_by == "event":
        return Fault("group_by", "group_by event is not for a ratio of events")
    if rule.metric in ("conversion", "error_rate", "vital") and rule.group_by == "event":
        return Fault("group_by", f"group_by event is not for {rule.metric}, whose events are given")
    if rule.condition.kind == "no_data" and rule.group_by is not None:
        return Fault("group_by", "group_by is not for no_data: a value that never comes is not known")
    if rule.condition.kind == "no_data" and rule.metric != "events":
        return Fault("condition", "no_data is for the metric events")
    return None


def _condition(rule: Rule) -> Fault | None:
    condition: Any = rule.condition
    if condition.kind == "threshold":
        return _threshold(rule, condition.operator, condition.value, condition.resolve)
    if condition.kind == "relative":
        if condition.percent < -100 and condition.operator in ("<", "<="):
            return Fault("condition.percent", "nothing falls by more than 100 percent")
        return _resolve(condition.operator, condition.percent, condition.resolve)
    if condition.kind == "anomaly":
        if rule.window_minutes > 1440:
            return Fault(
                "window_minutes", "window_minutes of an anomaly is at most 1440: it is compared by the time of day"
            )
        if condition.resolve is not None and condition.resolve > condition.z:
            return Fault("condition.resolve", "condition.resolve must not lie beyond z")
    return None


def _threshold(rule: Rule, operator: str, value: float, resolve: float | None) -> Fault | None:
    is_share = rule.metric.endswith(("_share", "_rate")) or rule.metric == "conversion"
    is_share = is_share or (rule.metric == "ratio" and not rule.over)
    most = 1.0 if is_share else None
    least = None if rule.metric == "revenue" else 0.0
    if _is_fixed(operator, value, least, most):
        return Fault("condition", f"{rule.metric} {operator} {value:g} is always the same, whatever happens")
    if operator in ("==", "!=") and resolve is not None:
        return Fault("condition.resolve", "condition.resolve is for <, <=, > and >=")
    return _resolve(operator, value, resolve)


def _is_fixed(operator: str, value: float, least: float | None, most: float | None) -> bool:
    below = least is not None and (value < least or (value == least and operator in ("<", ">=")))
    above = most is not None and (value > most or (value == most and operator in (">", "<=")))
    return below or above


def _resolve(operator: str, value: float, resolve: float | None) -> Fault | None:
    if resolve is None:
        return None
    if operator in (">", ">=") and resolve > value:
        return Fault("condition.resolve", "condition.resolve must not lie above the level at which it fires")
    if operator in ("<", "<=") and resolve < value:
        return Fault("condition.resolve", "condition.resolve must not lie below the level at which it fires")
    return None
