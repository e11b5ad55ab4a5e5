"""`pulse risk`: what a rule set says of a device and why, how good it is, and weights fitted anew."""

import sys
from pathlib import Path
from random import Random
from typing import Annotated

import typer
from msgspec import DecodeError, ValidationError, json

from pulse.command import option, riskshow
from pulse.errors import PulseError
from pulse.risk.anyhow import anyhow
from pulse.risk.evidence import Evidence
from pulse.risk.judging import judge
from pulse.risk.laws import LAWS, OF_PUBLISHED
from pulse.risk.model import Model
from pulse.risk.population.dividing import divided
from pulse.risk.population.labelled import Labelled, read
from pulse.risk.population.sessions import sessions
from pulse.risk.rule_sets import DEFAULT, NAMES, PRIOR, RuleSet, parameters, rule_set, shipped

risk = typer.Typer(
    help="What a rule set says of a device and why, how good it is, and weights fitted anew.", no_args_is_help=True
)

Given = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", allow_dash=True, show_default=False, help="Evidence as JSON; - is standard input."),
]
Known = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="Labelled sessions as NDJSON; without one they are made up by measured rates.",
    ),
]
Spelt = Annotated[str | None, typer.Option("--evidence", metavar="JSON", help="The evidence itself.")]
Rules = Annotated[str, typer.Option("--rules", metavar="NAME", help=f"The rule set: {' or '.join(NAMES)}.")]
File = Annotated[Path | None, typer.Option("--weights", metavar="FILE", help="Weights that `pulse risk fit` wrote.")]
Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the weights go.")]
Named = Annotated[str, typer.Option("--name", help="What the rule set is to be called.")]
Version = Annotated[str, typer.Option("--version", help="Which version of it this is.")]
Many = Annotated[int, typer.Option("--sessions", min=1_000, max=1_000_000, help="How many are made up.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed makes the same sessions.")]
Consent = Annotated[float, typer.Option("--consent", min=0, max=1, help="The share of made-up visitors who gave it.")]
Laws = Annotated[
    int,
    typer.Option("--metamorphic", min=0, max=1_000_000, help="Also try every law on so many devices at random."),
]


@risk.command()
def explain(
    file: Given = None,
    spelt: Spelt = None,
    rules: Rules = DEFAULT,
    weights: File = None,
    as_json: option.AsJson = False,
) -> None:
    """Say what a rule set makes of some evidence: risk and scores, the reasons that add up to them, what is missing."""
    verdict = _rules(rules, weights).score(_evidence(file, spelt))
    if as_json:
        typer.echo(json.encode(verdict).decode())
    else:
        riskshow.verdict(verdict)


@risk.command()
def evaluate(
    file: Known = None,
    rules: Rules = DEFAULT,
    weights: File = None,
    count: Many = 20_000,
    seed: Seed = 1,
    consent: Consent = 1.0,
    laws: Laws = 0,
    as_json: option.AsJson = False,
) -> None:
    """Tell how well a rule set's scores agree with the truth, on sessions of providers that no weight was fitted to.

    Exit code 1 if a law is broken.
    """
    chosen = _rules(rules, weights)
    known = read(file) if file else list(sessions("evaluate", count, seed, consent))
    judgement = judge(chosen, known)
    broken = {name: _broken(name, chosen, seed, laws) for name in _laws_of(chosen)} if laws else {}
    if as_json:
        typer.echo(json.encode({"judgement": judgement, "broken": broken} if laws else judgement).decode())
    else:
        riskshow.judgement(judgement)
        riskshow.laws(broken, laws)
    if any(broken.values()):
        raise typer.Exit(1)


@risk.command()
def fit(
    out: Out,
    file: Known = None,
    name: Named = "pulse-fitted",
    version: Version = "1",
    count: Many = 40_000,
    seed: Seed = 1,
) -> None:
    """Fit weights to labelled sessions, calibrate them on those of other providers, and write them to a file.

    No sign changes its direction. What the sessions do not tell stays as published.
    """
    # It brings numpy, for which no other command ought to wait.
    from pulse.risk.fitting import fit as fitted

    learnt, calibrated = _parts(file, count, seed)
    made = fitted(shipped(PRIOR), name, version, learnt, calibrated)
    try:
        out.write_bytes(json.format(json.encode(made), indent=1) + b"\n")
    except OSError as why:
        raise PulseError(f"{out} cannot be written: {why.strerror}") from None
    typer.echo(f"{out}: {made.name} {made.version}. {made.about}")


def _rules(name: str, weights: Path | None) -> RuleSet:
    return Model(parameters(weights)) if weights else rule_set(name)


def _evidence(file: Path | None, spelt: str | None) -> Evidence:
    if file and spelt is not None:
        raise typer.BadParameter("give a file or --evidence, not both")
    try:
        text = spelt or (file.read_bytes() if file and str(file) != "-" else sys.stdin.buffer.read())
        return json.decode(text, type=Evidence)
    except OSError as why:
        raise PulseError(f"{file} cannot be read: {why.strerror}") from None
    except (DecodeError, ValidationError, UnicodeError) as why:
        raise PulseError(f"that is no evidence: {why}") from None


def _parts(file: Path | None, count: int, seed: int) -> tuple[list[Labelled], list[Labelled]]:
    if file is None:
        return list(sessions("fit", count, seed)), list(sessions("calibrate", count, seed))
    return divided(read(file))


def _laws_of(rules: RuleSet) -> tuple[str, ...]:
    return tuple(LAWS) if isinstance(rules, Model) else OF_PUBLISHED


def _broken(name: str, rules: RuleSet, seed: int, count: int) -> list[str]:
    """How a law is broken by some of so many devices at random."""
    random = Random(f"{seed}:{name}")
    told = (LAWS[name](rules, anyhow(random), random) for _ in range(count))
    return [each for each in told if each]
