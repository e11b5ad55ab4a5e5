"""`python -m api.collector`: the collector as a process."""

import sys

from api.collector.app import create_app
from api.collector.serve import serve
from pulse import listening, log, settings
from pulse.errors import PulseError


def main() -> int:
    """Run until stopped; 2 for settings that cannot be."""
    try:
        given = settings.load()
        listening.demand(given.host)
        app = create_app(given)
    except PulseError as error:
        sys.stderr.write(f"collector: {error}\n")
        return 2
    log.configure(given.log_level)
    serve(app, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
