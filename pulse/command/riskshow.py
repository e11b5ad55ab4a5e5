"""Verdicts and judgements as tables."""

from collections.abc import Mapping, Sequence
from math import isnan

from rich.console import Console
from rich.table import Table

from pulse.risk.code import CODES
from pulse.risk.judging import Judged, Judgement
from pulse.risk.pulsegate import VPN_RULES
from pulse.risk.verdict import Reason, Score, Verdict

TEXTS = {code: each.text for code, each in CODES.items()} | {rule.code: rule.text for rule in VPN_RULES}
WIDE = 160
SHOWN = 5


def verdict(said: Verdict) -> None:
    """A verdict: the risk with its reasons, then each score with its own."""
    console = _console()
    console.print(f"{said.rule_set} {said.version}: risk {said.risk}, {said.band}; confidence {said.confidence}")
    if said.reasons:
        console.print()
        _print(console, _reasons(said))
    console.print()
    _print(console, _scores(said.scores))
    console.print()
    if said.missing:
        console.print(f"not known: {', '.join(said.missing)}")
    if said.data_age_days is not None:
        console.print(f"lists of networks: {said.data_age_days:g} days old")


def judgement(found: Judgement) -> None:
    """How well each score does, then who was flagged at 1 % false alarms."""
    console = _console()
    console.print(f"{found.rule_set} {found.version} on {found.sessions:,} sessions")
    console.print()
    _print(console, _quality(found.scores))
    for title, shares in (
        ("flagged, of all", {each.score: each.flagged_people for each in found.scores}),
        ("flagged falsely, by network", {each.score: each.flagged_networks for each in found.scores}),
    ):
        console.print()
        _print(console, _flagged(title, shares))


def laws(broken: Mapping[str, Sequence[str]], tried: int) -> None:
    """Each law and how often it was broken."""
    if not broken:
        return
    console = _console()
    console.print()
    table = Table("law", "devices", "broken", "how", box=None, pad_edge=False)
    for name, how in broken.items():
        table.add_row(name, f"{tried:,}", f"{len(how):,}", "; ".join(how[:SHOWN]))
    _print(console, table)


def _reasons(said: Verdict) -> Table:
    table = Table("reason", "points", "", box=None, pad_edge=False)
    for each in said.reasons:
        table.add_row(each.code, f"{each.points:+.1f}", TEXTS[each.code])
    table.add_row("risk", f"{said.value:.1f}", "")
    return table


def _scores(scores: Mapping[str, Score]) -> Table:
    table = Table("score", "", "confidence", "without evidence", "reasons", box=None, pad_edge=False)
    for name, each in scores.items():
        table.add_row(name, f"{each.value:.1f}", each.confidence, f"{each.base:.1f}", _sum(each.reasons))
    return table


def _sum(reasons: Sequence[Reason]) -> str:
    return "  ".join(f"{each.points:+.1f} {each.code}" for each in reasons)


def _quality(scores: Sequence[Judged]) -> Table:
    headings = ("score", "sessions", "AUC", "recall at 1 %", "at 5 %", "threshold at 1 %", "ECE")
    table = Table(*headings, box=None, pad_edge=False)
    for each in scores:
        figures = (each.auc, each.recall_at_1, each.recall_at_5)
        table.add_row(
            each.score,
            f"{each.positives:,}",
            *(f"{figure:.3f}" for figure in figures),
            f"{each.threshold:.1f}",
            f"{each.calibration_error:.3f}",
        )
    return table


def _flagged(title: str, shares: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table(title, *shares, box=None, pad_edge=False)
    for row in sorted({name for each in shares.values() for name in each}):
        table.add_row(row or "(nobody named)", *(_percent(each.get(row)) for each in shares.values()))
    return table


def _percent(share: float | None) -> str:
    return "" if share is None or isnan(share) else f"{share:.2%}"


def _print(console: Console, table: Table) -> None:
    console.print(table, width=None if console.is_terminal else WIDE)


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
