"""Refine and rollup in one process: `python -m streams`. Ends with 1 if something is wrong, to be started again."""

import sys

from pulse import log as logs
from pulse.errors import PulseError
from pulse.settings import load
from streams import quiet
from streams.worker import run


def main() -> None:
    """Run until told to stop."""
    try:
        settings = load()
        logs.configure(settings.log_level)
        quiet.configure()
        run(settings)
    except PulseError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
