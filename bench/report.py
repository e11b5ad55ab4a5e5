"""A run's evidence as a Markdown table for bench/reports/: `python -m bench report RUN [--output FILE] [--force]`.

Refuses evidence that `bench validate` does not pass, and a file that is there already unless `--force` is given.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from msgspec import json

from bench.evidence import EVIDENCE, Figure
from bench.validate import faults


def main(words: list[str]) -> int:
    """Print or write the report; 1 if there is nothing to be reported, or it must not be written."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run", help="a folder of bench/evidence/, or its name")
    options.add_argument("--output", type=Path)
    options.add_argument("--force", action="store_true", help="write over a report that is there")
    asked = options.parse_args(words)
    folder = Path(asked.run) if Path(asked.run).is_dir() else EVIDENCE / asked.run
    wrong = faults(folder)
    if wrong:
        print(f"{folder.name} is no evidence: {'; '.join(wrong)}", file=sys.stderr)
        return 1
    if asked.output is None:
        print(report(folder))
        return 0
    if asked.output.exists() and not asked.force:
        print(f"{asked.output} is there already: --force writes over it", file=sys.stderr)
        return 1
    asked.output.write_text(report(folder) + "\n")
    return 0


def report(folder: Path) -> str:
    """A run as Markdown."""
    environment = json.decode((folder / "environment.json").read_bytes())
    figures = json.decode((folder / "figures.json").read_bytes(), type=list[Figure])
    rows = [
        f"| {figure.name} | {shown(figure.value)} {figure.unit} | `{figure.raw}` {'.'.join(map(str, figure.path))} |"
        for figure in figures
    ]
    return "\n".join([*_head(folder.name, environment), "", "| what | figure | raw |", "| --- | ---: | --- |", *rows])


def shown(value: Any) -> str:
    """A figure as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _head(name: str, environment: dict[str, Any]) -> list[str]:
    changed = " (with uncommitted changes)" if environment["dirty"] else ""
    versions = ", ".join(f"{package} {version}" for package, version in environment["versions"].items() if version)
    settings = ", ".join(
        f"{key} {value}" for key, value in environment["settings"].items() if value not in (None, "", [])
    )
    return [
        f"# {environment['date'][:10]}: {environment['measurement']}",
        "",
        f"Commit {environment['commit'][:12]}{changed}, evidence {name}. {environment['cores']} cores ({environment['cpu']}),"
        f" {environment['memory_gib']} GiB, of which {environment['busy_before']:.0%} were busy before.",
        f"Python {environment['python']}; {versions}.",
        "",
        f"Settings: {settings}.",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
