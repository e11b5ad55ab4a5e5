"""`python -m bench NAME [options]`: a measurement on this machine, one module each; `python -m bench` lists them.

Each prints figures; those of the whole product leave raw output and environment in bench/evidence/.
"""

import subprocess
import sys
from inspect import cleandoc
from pathlib import Path

HERE = Path(__file__).parent

MEASUREMENTS = (
    *("short", "sustained", "singles", "latency", "catchup", "flatness", "tenants", "overload", "rebalance"),
    *(
        "limits",
        "hotdb",
        "retry",
        "exact",
        "freshness",
        "collector",
        "flood",
        "streams",
        "enrichment",
        "sink",
        "views",
        "dedup",
        "saved",
        "visits",
        "snapshot",
        "answers",
        "dashboards",
        "paging",
        "skew",
        "report",
        "alerting",
        "firings",
        "validate",
        "live",
        "cuts",
        "closings",
        "sightings",
    ),
)


def about(name: str) -> str:
    """The first line of what a measurement says of itself."""
    return cleandoc((HERE / f"{name}.py").read_text().split('"""')[1]).splitlines()[0]


def main(words: list[str]) -> int:
    """Run the measurement that is asked for; 2 if there is none of this name."""
    if not words or words[0] in ("-h", "--help"):
        print(__doc__, *(f"  {name:10} {about(name)}" for name in MEASUREMENTS), sep="\n")
        return 0
    name, *rest = words
    if name not in MEASUREMENTS:
        print(f"no such measurement: {name}; there are {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    return subprocess.run([sys.executable, "-m", f"bench.{name}", *rest], cwd=HERE.parent, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
