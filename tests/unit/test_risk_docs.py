"""docs/risk.md says what the code says."""

import re
from pathlib import Path

from pulse.risk.code import CODES, GROUPS
from pulse.risk.evidence import OF_REQUEST
from pulse.risk.laws import LAWS
from pulse.risk.pulsegate import VPN_RULES
from pulse.risk.rule_sets import DEFAULT, NAMES, shipped

PAGE = (Path(__file__).parents[2] / "docs" / "risk.md").read_text()


def rows(section: str) -> list[list[str]]:
    """The cells of a section's tables, without their headings."""
    text = re.split(r"^## ", PAGE.split(f"## {section}\n")[1], flags=re.MULTILINE)[0]
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()[2:]]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def test_every_reason_is_told() -> None:
    told = [tuple(row) for row in rows("Reasons") if row[0] in CODES]
    assert told == [(code, each.group, each.text) for code, each in CODES.items()]


def test_every_group_is_told() -> None:
    told = {row[0]: (float(row[1]), row[2]) for row in rows("Reasons") if row[0] in GROUPS}
    assert told == {name: (each.others, f"{each.most:g}" if each.most < 99 else "") for name, each in GROUPS.items()}


def test_every_published_point_is_told() -> None:
    assert rows("pulsegate-v1") == [[rule.code, str(rule.points), rule.text] for rule in VPN_RULES]


def test_rule_sets_and_scores_are_told() -> None:
    assert tuple(row[0] for row in rows("Rule sets")) == NAMES
    shares = shipped(DEFAULT).risk
    assert [row[0] for row in rows("What the scores mean")] == list(shares)
    told = re.search(r"The shares are (.*)\. To these", PAGE)
    assert told is not None
    assert dict(each.split(" ") for each in told[1].split(", ")) == {name: str(share) for name, share in shares.items()}


def test_what_needs_no_consent_is_told() -> None:
    [told] = re.findall(r"Without `consent` only .* count: (.*)\. All else", PAGE)
    assert set(re.findall(r"`(\w+)`", told)) == OF_REQUEST - {"network_age_days"}


def test_every_law_is_told() -> None:
    told = PAGE.split("## Laws\n")[1].split("\n## ")[0]
    # The last line tells two.
    assert len(re.findall(r"^- ", told, flags=re.MULTILINE)) == len(LAWS) - 1
