"""A rule as it is asked for: what could hardly ever fire, or tells nothing, is refused. One that is kept already may be otherwise."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from pulse.alerting.impossible import Fault
from pulse.alerting.rule import NoData, Rule, Where, Word, refuse

UNLISTED = frozenset({"XK"})
"""Kosovo, which databases of addresses name so."""


@cache
def countries() -> frozenset[str]:
    """The countries' codes by ISO 3166-1, by the tz database."""
    lines = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8").splitlines()
    return UNLISTED | {line.partition("\t")[0] for line in lines if line and not line.startswith("#")}


def _country(text: str) -> str:
    code = text.upper()
    if code not in countries():
        raise ValueError("is no country's code by ISO 3166-1 alpha-2, such as AT")
    return code


Country = Annotated[Word, AfterValidator(_country)]


class WantedWhere(Where):
    """Which events count; what is empty lets all pass."""

    countries: Annotated[list[Country], Field(max_length=50)] = Field([], description="ISO 3166-1 alpha-2.")


class WantedRule(Rule):
    """What is to be watched."""

    where: WantedWhere = WantedWhere()

    @model_validator(mode="after")
    def _likely(self) -> Self:
        refuse(_fault_of(self))
        return self


def _fault_of(rule: Rule) -> Fault | None:
    if rule.quiet is not None and rule.quiet.start == rule.quiet.end:
        return Fault("quiet.to", "must be another time than from: the rule would never begin to fire")
    if isinstance(rule.condition, NoData) and rule.min_volume is not None:
        return Fault("min_volume", "is not for no_data, which holds where there is no volume at all")
    if rule.metric == "ratio" and set(rule.of) == set(rule.over):
        return Fault("over", "names the very events that of names: so many of them for each of them is always 1")
    return None
