"""The rate of requests of one event each that is sustained end to end: `bench sustained` with `--size 1`.

`python -m bench singles [--rate REQUESTS] [--seconds N] [--search]`.
"""

import sys

from bench.options import parser
from bench.sustained import run


def main(words: list[str]) -> int:
    """Measure; 1 if what was accepted is not exactly what is stored."""
    return run(parser(__doc__, rate=1_000, size=1, connections=512), words, "singles")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
