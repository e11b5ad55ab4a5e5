"""Whether evidence is evidence: `python -m bench validate [RUN …]` (all of bench/evidence/ if none is named).

A run must have its environment with a date, a commit and whether the tree was changed; every raw file that a figure points
to; and in it that very figure. The newest run that is good is noted in bench/evidence/latest.
"""

import sys
from pathlib import Path
from typing import Any

from msgspec import DecodeError, json

from bench.evidence import EVIDENCE, Figure, found

NEEDED = ("date", "commit", "dirty", "cores", "cpu", "versions")


def main(words: list[str]) -> int:
    """Check each run; 1 if one is no evidence."""
    folders = [Path(word) if Path(word).is_dir() else EVIDENCE / word for word in words] or sorted(
        folder for folder in EVIDENCE.glob("*") if folder.is_dir()
    )
    good = []
    for folder in folders:
        wrong = faults(folder)
        print(f"{folder.name}: {'; '.join(wrong) if wrong else 'good'}")
        if not wrong:
            good.append(folder)
    if good:
        (good[-1].parent / "latest").write_text(good[-1].name + "\n")
    return 0 if len(good) == len(folders) and good else 1


def faults(folder: Path) -> list[str]:
    """What is wrong with a run's evidence; nothing if it is good."""
    return [*_environment(folder), *_figures(folder)]


def _environment(folder: Path) -> list[str]:
    kept = _read(folder / "environment.json")
    if not isinstance(kept, dict):
        return ["no environment"]
    wrong = [f"the environment names no {name}" for name in NEEDED if kept.get(name) in (None, "")]
    if kept.get("dirty") is False and kept.get("changed"):
        wrong.append("the tree was changed, and is said not to be")
    if kept.get("dirty") and not kept.get("changed"):
        wrong.append("the tree was changed, and it is not said how")
    return wrong


def _figures(folder: Path) -> list[str]:
    try:
        figures = json.decode((folder / "figures.json").read_bytes(), type=list[Figure])
    except (OSError, DecodeError):
        return ["no figures"]
    return [fault for figure in figures if (fault := _fault(folder, figure))] if figures else ["no figures"]


def _fault(folder: Path, figure: Figure) -> str:
    raw = _read(folder / figure.raw)
    if raw is None:
        return f"{figure.name}: {figure.raw} is missing"
    try:
        stands = found(raw, figure.path)
    except KeyError:
        return f"{figure.name}: not in {figure.raw}"
    return "" if stands == figure.value else f"{figure.name}: {figure.value} is said, {figure.raw} has {stands}"


def _read(file: Path) -> Any:
    try:
        return json.decode(file.read_bytes())
    except (OSError, DecodeError):
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
