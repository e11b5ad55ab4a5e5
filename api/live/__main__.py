"""`python -m api.live`: the live view as a process."""

import resource
import sys
from logging import getLogger

from api import serving
from api.live.app import app_of
from api.live.connection import Http
from api.live.live import Live
from api.live.socket import sockets
from pulse import listening, log, settings
from pulse.errors import PulseError
from pulse.settings import Settings

FINISH_S = 10


def main() -> int:
    """Run until stopped; 2 for settings that cannot be."""
    try:
        given = settings.load()
        log.configure(given.log_level)
        listening.demand(given.host)
        live = Live(given)
    except PulseError as error:
        sys.stderr.write(f"live: {error}\n")
        return 2
    serve(live, given)
    return 0


def serve(live: Live, given: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then end all connections, and return."""
    _allow_connections()
    getLogger(__name__).info("the live view begins", extra={"url": f"http://{given.host}:{given.live_port}"})
    serving.serve(app_of(live), given.host, given.live_port, FINISH_S, http=Http, ws=sockets(live), leaving=live.leave)


def _allow_connections() -> None:
    """As many open files as the system lets this process have: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    sys.exit(main())
