"""The rules that the documentation shows are rules, one of each kind."""

import re
from pathlib import Path

from msgspec import json

from pulse.alerting.rule import Rule

PAGE = Path(__file__).parents[2] / "docs" / "alerts.md"


def test_the_rules_of_the_page_can_be_made() -> None:
    [block] = re.findall(r"```json\n(\{\"metric.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    rules = [Rule.model_validate(json.decode(each)) for each in re.split(r"\n(?=\{)", block.strip())]
    assert {rule.condition.kind for rule in rules} == {"threshold", "relative", "anomaly", "no_data"}
    assert any(rule.quiet for rule in rules)
    assert any(rule.group_by for rule in rules)
