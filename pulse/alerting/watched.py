"""A rule as it is kept: who it belongs to, since when it stands so, and whether it is to keep silent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pulse.alerting.quiet import is_quiet
from pulse.alerting.rule import Rule
from pulse.alerting.selector import Selector, selector_of
from pulse.alerting.windows import Question
from pulse.errors import QueryError
from pulse.minute import MINUTE_MS


@dataclass(frozen=True)
class Watched:
    """A rule of a site. It looks at no minute before `begins`; `is_on` is false once it is removed or switched off."""

    id: str
    site_id: str
    name: str
    rule: Rule
    selector: Selector
    begins: int
    muted: bool = False
    snoozed_until: int = 0
    is_on: bool = True

    @property
    def is_asked(self) -> bool:
        """Whether its value is asked for, window by window, and is no sum of minutes that are held."""
        return not self.rule.is_of_minutes

    @property
    def question(self) -> Question:
        """What it asks where its value is asked for."""
        return Question(self.selector, self.rule.window_minutes)

    def is_hushed(self, ms: int) -> bool:
        """Whether it may not begin to fire at a moment, in ms since the epoch."""
        return self.muted or ms < self.snoozed_until or is_quiet(self.rule.quiet, ms)


def watched_of(record: Mapping[str, Any]) -> Watched:
    """The rule that a record of `pulse.config` carries; raises QueryError for one that is none."""
    try:
        rule = Rule.model_validate(record["definition"])
        return Watched(
            id=record["id"],
            site_id=record["site_id"],
            name=record["name"],
            rule=rule,
            selector=selector_of(rule),
            begins=record["changed"] // MINUTE_MS,
            muted=record["muted"],
            snoozed_until=record["snoozed_until"] or 0,
            is_on=record["enabled"] and record["archived"] is None,
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise QueryError(f"no rule: {error}") from None
