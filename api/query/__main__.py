"""`python -m api.query`: the query API as a process."""

import sys
from logging import getLogger

from fastapi import FastAPI

from api import serving
from api.query.app import create_app
from pulse import listening, loading, log, settings
from pulse.errors import PulseError
from pulse.settings import Settings

FINISH_S = 30


def main() -> int:
    """Run until stopped; 2 for settings that cannot be."""
    try:
        given = settings.load()
        log.configure(given.log_level)
        listening.demand(given.host)
        app = create_app(given)
    except PulseError as error:
        sys.stderr.write(f"query: {error}\n")
        return 2
    serve(app, given)
    return 0


def serve(app: FastAPI, given: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is in flight, and return."""
    getLogger(__name__).info("the query API begins", extra={"url": f"http://{given.host}:{given.query_port}"})
    loading.end()
    serving.serve(app, given.host, given.query_port, FINISH_S)


if __name__ == "__main__":
    sys.exit(main())
