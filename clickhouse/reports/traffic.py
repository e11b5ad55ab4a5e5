"""Whose traffic counts: everybody's, that of people, or that of whom much speaks against."""

from typing import Literal

from clickhouse.reports.filter import NOTHING, AllOf, AnyOf, Condition, Filter

Traffic = Literal["all", "clean", "risky"]

RISKY = 60
"""From this risk on, that of the band `high`, an event is risky."""

_RISKY = AnyOf((Condition("bot", "eq", (True,)), Condition("risk", "gte", (RISKY,))))
_CLEAN = AllOf((Condition("bot", "eq", (False,)), Condition("risk", "lt", (RISKY,))))
_FILTERS: dict[Traffic, Filter] = {"all": NOTHING, "clean": _CLEAN, "risky": _RISKY}


def narrowed(wanted: Filter, traffic: Traffic) -> Filter:
    """A filter that lets pass what another does, of that traffic alone."""
    return wanted if traffic == "all" else AllOf((wanted, _FILTERS[traffic]))
